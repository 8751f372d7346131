using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Which entries are about to expire although they are in use.</summary>
public sealed class EntriesExpiringInUseTests
{
    private static readonly DateTimeOffset Now = ObservedTraffic.Start;

    /// <summary>In how many minutes the entry expires, and whether that is soon. The limits are inclusive.</summary>
    public static TheoryData<double?, bool> Expiries => new()
    {
        { null, false },
        { -1, false },
        { 0, false },
        { 1, true },
        { 24 * 60, true },
        { (24 * 60) + 1, false },
    };

    /// <summary>How many seconds ago the address used the key, and whether that counts.</summary>
    public static TheoryData<int, bool> Uses => new()
    {
        { 0, true },
        { 24 * 60 * 60, true },
        { (24 * 60 * 60) + 1, false },
    };

    [Theory]
    [MemberData(nameof(Expiries))]
    public void An_entry_counts_from_a_day_before_its_expiry_to_its_expiry(double? minutes, bool isFound)
    {
        ApiKey key = Key(("198.51.100.9", minutes is null ? null : Now.AddMinutes(minutes.Value)));

        Find(key, Seen("198.51.100.9")).Should().HaveCount(isFound ? 1 : 0);
        EntriesExpiringInUse.HasExpiring(key, Now, EntriesExpiringInUse.Soon).Should().Be(isFound);
    }

    [Theory]
    [MemberData(nameof(Uses))]
    public void An_address_counts_that_used_the_key_within_a_day(int secondsAgo, bool isFound) =>
        Find(Key(("198.51.100.9", Now.AddHours(1))), Seen("198.51.100.9", secondsAgo)).Should().HaveCount(isFound ? 1 : 0);

    [Fact]
    public void The_time_before_the_expiry_is_the_callers()
    {
        ApiKey key = Key(("198.51.100.9", Now.AddHours(4)), ("198.51.100.10", Now.AddHours(5)));
        SourceSeen[] seen = [Seen("198.51.100.9"), Seen("198.51.100.10")];

        EntriesExpiringInUse.Find(key, seen, Now, EntriesExpiringInUse.VerySoon).Select(found => found.Entry)
            .Should().Equal("198.51.100.9");
        Find(key, seen).Select(found => found.Entry).Should().Equal("198.51.100.9", "198.51.100.10");
    }

    [Fact]
    public void Tells_the_entry_in_canonical_text_and_when_it_was_last_used()
    {
        ApiKey key = Key(("2001:DB8:0::/64", Now.AddHours(2)), ("::ffff:198.51.100.0/124", Now.AddHours(3)), ("203.0.113.7", null));

        Find(key, Seen("2001:db8::9", 50), Seen("2001:db8::8", 40), Seen("198.51.100.15", 30), Seen("203.0.113.7", 20)).Should().Equal(
            new EntryExpiringInUse("198.51.100.0/28", Now.AddHours(3), Now.AddSeconds(-30)),
            new EntryExpiringInUse("2001:db8::/64", Now.AddHours(2), Now.AddSeconds(-40)));
    }

    [Fact]
    public void An_entry_that_nothing_uses_does_not_count()
    {
        ApiKey key = Key(("198.51.100.9", Now.AddHours(1)), ("198.51.100.16/28", Now.AddHours(1)));

        Find(key).Should().BeEmpty();
        Find(key, Seen("198.51.100.8"), Seen("198.51.100.15"), Seen("198.51.100.32"), Seen("2001:db8::9"), Seen(null)).Should().BeEmpty();
    }

    [Fact]
    public void An_address_that_another_entry_admits_longer_does_not_count()
    {
        Find(Key(("198.51.100.9", Now.AddHours(1)), ("198.51.100.0/24", null)), Seen("198.51.100.9")).Should().BeEmpty();
        Find(Key(("198.51.100.9", Now.AddHours(1)), ("198.51.100.0/24", Now.AddDays(3))), Seen("198.51.100.9")).Should().BeEmpty();
        Find(Key(("198.51.100.9", Now.AddHours(2)), ("198.51.100.0/24", Now.AddHours(1))), Seen("198.51.100.9"))
            .Select(found => found.Entry).Should().Equal("198.51.100.9");
        Find(Key(("198.51.100.9", Now.AddHours(1)), ("198.51.100.0/24", Now.AddHours(1))), Seen("198.51.100.9"))
            .Select(found => found.Entry).Should().Equal("198.51.100.0/24", "198.51.100.9");
    }

    [Fact]
    public void Entries_of_a_key_that_does_not_work_do_not_count()
    {
        ApiKey key = Key(("198.51.100.9", Now.AddHours(1)));

        Find(key with { IsRevoked = true }, Seen("198.51.100.9")).Should().BeEmpty();
        Find(key with { IsDisabled = true }, Seen("198.51.100.9")).Should().BeEmpty();
        Find(key with { ExpiresAt = Now }, Seen("198.51.100.9")).Should().BeEmpty();
        Find(key with { AllowedIps = IpAddressSet.Empty }, Seen("198.51.100.9")).Should().BeEmpty();
        Find(key with { AllowedIps = IpAddressSet.Unreadable }, Seen("198.51.100.9")).Should().BeEmpty();
        Find(key with { ExpiresAt = Now.AddMinutes(1) }, Seen("198.51.100.9")).Should().ContainSingle();
        Find(key with { AllowlistMode = AllowlistMode.ReportOnly }, Seen("198.51.100.9")).Should().ContainSingle();
    }

    [Fact]
    public void A_source_that_is_no_address_does_not_count() =>
        Find(Key(("198.51.100.9", Now.AddHours(1))), Seen("office"), Seen("")).Should().BeEmpty();

    private static IReadOnlyList<EntryExpiringInUse> Find(ApiKey key, params SourceSeen[] seen) =>
        EntriesExpiringInUse.Find(key, seen, Now, EntriesExpiringInUse.Soon);

    private static ApiKey Key(params (string Text, DateTimeOffset? ExpiresAt)[] entries)
    {
        IpAddressSet.TryParse(
            entries.Select(entry => new IpAllowlistEntry { Text = entry.Text, ExpiresAt = entry.ExpiresAt }), CidrRangeBounds.Default,
            out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors);
        errors.Should().BeEmpty();
        return new ApiKey { Id = "key", Hash = default, AllowedIps = set! };
    }

    private static SourceSeen Seen(string? clientIp, int secondsAgo = 0) => new()
    {
        ClientIp = clientIp,
        ClientIpOrigin = ClientIpOrigin.Peer,
        FirstSeen = Now.AddDays(-30),
        LastSeen = Now.AddSeconds(-secondsAgo),
        Count = 1,
    };
}
