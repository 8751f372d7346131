using System.Net;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Ranges and expiries in a key's allowlist: what it admits and until when, its text, its equality.</summary>
public sealed class IpAddressSetRangeTests
{
    private static readonly DateTimeOffset Friday = new(2027, 1, 1, 18, 0, 0, TimeSpan.Zero);

    /// <summary>A range, the first and last address inside, and the neighbours outside.</summary>
    public static TheoryData<string, string, string, string, string> Ranges { get; } = new()
    {
        { "10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
        { "198.51.100.8/29", "198.51.100.8", "198.51.100.15", "198.51.100.7", "198.51.100.16" },
        { "198.51.100.8/31", "198.51.100.8", "198.51.100.9", "198.51.100.7", "198.51.100.10" },
        { "198.51.100.8/32", "198.51.100.8", "198.51.100.8", "198.51.100.7", "198.51.100.9" },
        { "255.255.255.0/24", "255.255.255.0", "255.255.255.255", "255.255.254.255", "::1:0:0:0" },
        { "0.0.0.0/8", "0.0.0.0", "0.255.255.255", "::fffe:ffff:ffff", "1.0.0.0" },
        { "::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
        { "2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db9::" },
        { "2001:db8:0:1::/64", "2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:2::" },
        { "ffff:ffff::/32", "ffff:ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:fffe::", "::" },
        { "::/96", "::", "::ffff:ffff", "0.0.0.0", "::1:0:0" },
    };

    /// <summary>A range, and addresses of the other family that a comparison of bits alone would find in it.</summary>
    public static TheoryData<string, string> OtherFamily { get; } = new()
    {
        { "2a00::/13", "::ffff:42.42.42.42" },
        { "2a00::/13", "42.42.42.42" },
        { "2a00::/13", "42.0.0.0" },
        { "::/1", "10.0.0.1" },
        { "::/32", "0.0.0.0" },
        { "::/80", "10.0.0.1" },
        { "::fffe:0:0/95", "10.0.0.1" },
        { "10.0.0.0/8", "::10.0.0.1" },
        { "10.0.0.0/8", "64:ff9b::10.0.0.1" },
        { "10.0.0.0/8", "a00::1" },
        { "42.0.0.0/8", "2a00::1" },
    };

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Contains_the_addresses_of_a_range_and_no_neighbour(string range, string first, string last, string before, string after)
    {
        IpAddressSet set = Stored(range);

        set.Count.Should().Be(1);
        set.Contains(IPAddress.Parse(first)).Should().BeTrue();
        set.Contains(IPAddress.Parse(last)).Should().BeTrue();
        set.Contains(IPAddress.Parse(last).MapToIPv6()).Should().BeTrue();
        set.Contains(IPAddress.Parse(before)).Should().BeFalse();
        set.Contains(IPAddress.Parse(after)).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(OtherFamily))]
    public void Contains_no_address_of_the_other_family(string range, string address)
    {
        Stored(range).Contains(IPAddress.Parse(address)).Should().BeFalse();
        Stored(range, "2001:db8::/32", "192.0.2.0/24").Contains(IPAddress.Parse(address)).Should().BeFalse();
    }

    [Fact]
    public void Keeps_exact_addresses_beside_ranges()
    {
        IpAddressSet set = Stored("203.0.113.7", "2001:db8::7", "198.51.100.0/28", "2001:db8:1::/48");

        set.Count.Should().Be(4);
        set.Contains(IPAddress.Parse("203.0.113.7")).Should().BeTrue();
        set.Contains(IPAddress.Parse("2001:db8::7")).Should().BeTrue();
        set.Contains(IPAddress.Parse("198.51.100.15")).Should().BeTrue();
        set.Contains(IPAddress.Parse("2001:db8:1:2::3")).Should().BeTrue();
        set.Contains(IPAddress.Parse("203.0.113.8")).Should().BeFalse();
        set.Contains(IPAddress.Parse("2001:db8::8")).Should().BeFalse();
    }

    [Fact]
    public void Lists_IPv4_before_IPv6_and_a_range_before_its_members()
    {
        IpAddressSet set = Stored(
            "2001:db8::/48", "198.51.100.0/28", "198.51.100.3", "2001:DB8::/32", "198.51.100.0", "9.0.0.0/8", "2001:db8::1",
            "198.51.100.0/24", "::ffff:198.51.100.0/124");

        set.ToCanonicalStrings().Should().Equal(
            "9.0.0.0/8", "198.51.100.0/24", "198.51.100.0/28", "198.51.100.0", "198.51.100.3",
            "2001:db8::/32", "2001:db8::/48", "2001:db8::1");
        set.ToString().Should().StartWith("[9.0.0.0/8, 198.51.100.0/24, ");
        set.Count.Should().Be(8);
    }

    [Fact]
    public void An_expired_entry_denies_and_stays_on_the_list()
    {
        IpAddressSet set = Read(("203.0.113.7", Friday), ("198.51.100.0/28", Friday), ("2001:db8::/64", Friday));

        foreach (string text in new[] { "203.0.113.7", "::ffff:203.0.113.7", "198.51.100.9", "2001:db8::9" })
        {
            var address = IPAddress.Parse(text);
            set.Contains(address, Friday.AddTicks(-1)).Should().BeTrue();
            set.Contains(address, Friday).Should().BeFalse();
            set.Contains(address, Friday.AddYears(1)).Should().BeFalse();
            set.Contains(address).Should().BeTrue("it is still on the list");
        }

        set.Count.Should().Be(3);
        set.ToCanonicalStrings().Should().Equal("198.51.100.0/28", "203.0.113.7", "2001:db8::/64");
    }

    [Fact]
    public void An_entry_without_an_expiry_admits_at_any_time()
    {
        IpAddressSet set = Read(("203.0.113.7", null), ("198.51.100.0/28", null), ("192.0.2.1", Friday));

        foreach (string text in new[] { "203.0.113.7", "198.51.100.9" })
        {
            set.Contains(IPAddress.Parse(text), DateTimeOffset.MinValue).Should().BeTrue();
            set.Contains(IPAddress.Parse(text), DateTimeOffset.MaxValue).Should().BeTrue();
        }
    }

    [Fact]
    public void An_address_is_admitted_until_the_latest_expiry_of_the_entries_that_hold_it()
    {
        IpAddressSet set = Read(
            ("10.0.0.0/8", Friday), ("10.1.0.0/16", Friday.AddDays(2)), ("10.1.1.0/24", Friday.AddDays(1)), ("10.1.1.1", null),
            ("10.255.255.0/24", Friday.AddDays(-1)));

        Until(set, "10.0.0.1").Should().Be(Friday);
        Until(set, "10.1.0.1").Should().Be(Friday.AddDays(2));
        Until(set, "10.1.1.2").Should().Be(Friday.AddDays(2));
        Until(set, "10.1.1.1").Should().BeNull();
        Until(set, "10.2.0.0").Should().Be(Friday);
        Until(set, "10.255.255.255").Should().Be(Friday);
        set.ListedUntil(Value("11.0.0.0")).Should().Be(Expiry.NotListed);
    }

    [Fact]
    public void Hands_out_its_entries_with_their_expiries_in_UTC()
    {
        IpAddressSet set = Read(("::FFFF:198.51.100.0/124", Friday.ToOffset(TimeSpan.FromHours(2))), ("203.0.113.7", null));

        set.Entries.Should().Equal(
            new IpAllowlistEntry { Text = "198.51.100.0/28", ExpiresAt = Friday }, new IpAllowlistEntry { Text = "203.0.113.7" });
        set.Entries[0].ExpiresAt!.Value.Offset.Should().Be(TimeSpan.Zero);
        IpAddressSet.ReadStored(set.Entries, out _).Should().Be(set);
    }

    [Fact]
    public void Equals_a_set_with_the_same_ranges_and_expiries_in_another_order_and_spelling()
    {
        IpAddressSet one = Read(("198.51.100.0/28", Friday), ("2001:db8::/64", null), ("203.0.113.7", Friday), ("192.0.2.1", null));
        IpAddressSet other = Read(
            ("192.0.2.1", null), ("::ffff:203.0.113.7", Friday.ToOffset(TimeSpan.FromHours(-5))), ("2001:DB8:0:0::/64", null),
            ("::ffff:198.51.100.0/124", Friday), ("2001:db8::/64", null));

        one.Equals(other).Should().BeTrue();
        one.GetHashCode().Should().Be(other.GetHashCode());
    }

    [Fact]
    public void Differs_from_a_set_with_another_range_or_expiry()
    {
        IpAddressSet[] sets =
        [
            Read(("198.51.100.0/28", null)), Read(("198.51.100.0/28", Friday)), Read(("198.51.100.0/28", Friday.AddTicks(1))),
            Read(("198.51.100.0/29", null)), Read(("198.51.100.0", null)), Read(("198.51.100.0", Friday)),
            Read(("::198.51.100.0/124", null)), Read(("198.51.100.0/28", null), ("198.51.100.0", null)), IpAddressSet.Empty,
            IpAddressSet.Unreadable,
        ];

        for (int one = 0; one < sets.Length; one++)
        {
            for (int other = 0; other < sets.Length; other++)
            {
                sets[one].Equals(sets[other]).Should().Be(one == other);
            }
        }
    }

    [Fact]
    public void Refuses_one_entry_with_two_expiries()
    {
        bool isRead = IpAddressSet.TryParse(
            [Entry("203.0.113.7", null), Entry("::ffff:203.0.113.7", Friday), Entry("10.0.0.0/8", Friday), Entry("10.0.0.0/8", Friday)],
            CidrRangeBounds.Default,
            out IpAddressSet? set,
            out IReadOnlyList<IpAddressError> errors);

        isRead.Should().BeFalse();
        set.Should().BeNull();
        errors.Should().Equal(new IpAddressError { Index = 1, Message = "'::ffff:203.0.113.7' is listed with two expiries; list it once" });
    }

    [Fact]
    public void Refuses_entries_that_are_missing_or_ranges_that_are_not_allowed()
    {
        IpAddressSet.TryParse(
            new[] { Entry("203.0.113.7", Friday), null, Entry("10.0.0.0/8", Friday), Entry(null!, null) },
            ranges: null,
            out IpAddressSet? set,
            out IReadOnlyList<IpAddressError> errors).Should().BeFalse();

        set.Should().BeNull();
        errors.Should().Equal(
            new IpAddressError { Index = 1, Message = "an entry is empty; remove it or write an address" },
            new IpAddressError
            {
                Index = 2,
                Message = "'10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges",
            },
            new IpAddressError { Index = 3, Message = "an entry is empty; remove it or write an address" });
    }

    [Fact]
    public void Reads_stored_ranges_even_if_ranges_are_not_allowed()
    {
        foreach (string range in new[] { "10.0.0.0/8", "0.0.0.0/1", "2a00::/13", "8000::/1" })
        {
            IpAddressSet.ReadStored([range], out IReadOnlyList<IpAddressError> errors).ToCanonicalStrings().Should().Equal(range);
            errors.Should().BeEmpty();
        }
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("::/0")]
    [InlineData("::ffff:0:0/96")]
    [InlineData("10.0.0.1/8")]
    public void A_stored_list_with_a_range_that_is_none_is_unreadable(string range)
    {
        IpAddressSet.ReadStored(["203.0.113.7", range], out IReadOnlyList<IpAddressError> errors)
            .Should().BeSameAs(IpAddressSet.Unreadable);

        errors.Should().ContainSingle().Which.Index.Should().Be(1);
    }

    [Fact]
    public void A_stored_list_of_entries_with_a_fault_is_unreadable_and_never_empty()
    {
        IpAddressSet.ReadStored([Entry("203.0.113.7", Friday), null], out IReadOnlyList<IpAddressError> errors)
            .Should().BeSameAs(IpAddressSet.Unreadable);
        errors.Should().ContainSingle().Which.Index.Should().Be(1);

        IpAddressSet.ReadStored((IEnumerable<IpAllowlistEntry>?)null, out errors).Should().BeSameAs(IpAddressSet.Unreadable);
        errors.Should().ContainSingle().Which.Index.Should().Be(IpAddressError.WholeList);

        IpAddressSet.ReadStored(Array.Empty<IpAllowlistEntry>(), out errors).Should().BeSameAs(IpAddressSet.Empty);
        errors.Should().BeEmpty();
    }

    [Fact]
    public void Covers_another_set_if_each_of_its_entries_lies_within_one_that_admits_as_long()
    {
        DateTimeOffset now = Friday.AddDays(-2);
        IpAddressSet wide = Read(("10.0.0.0/8", Friday), ("2001:db8::/32", null), ("203.0.113.7", null));

        wide.Covers(wide, now).Should().BeTrue();
        wide.Covers(IpAddressSet.Empty, now).Should().BeTrue();
        wide.Covers(Read(("10.1.2.3", Friday), ("10.1.0.0/16", Friday.AddDays(-1))), now).Should().BeTrue();
        wide.Covers(Read(("2001:db8:1::/48", null), ("203.0.113.7", Friday)), now).Should().BeTrue();
        wide.Covers(Read(("10.1.2.3", Friday.AddTicks(1))), now).Should().BeFalse();
        wide.Covers(Read(("10.1.0.0/16", null)), now).Should().BeFalse();
        wide.Covers(Read(("203.0.113.6/31", null)), now).Should().BeFalse();
        wide.Covers(Read(("8.0.0.0/7", Friday)), now).Should().BeFalse();
        wide.Covers(Read(("10.0.0.0/7", Friday)), now).Should().BeFalse("only its first address is the same");
        wide.Covers(Read(("2001:db8::/31", null)), now).Should().BeFalse("only its first address is the same");
        wide.Covers(Read(("::/1", null)), now).Should().BeFalse();
        wide.Covers(Read(("192.0.2.1", now), ("192.0.2.0/24", now.AddDays(-1))), now).Should().BeTrue("an expired entry admits nobody");
        wide.Covers(Read(("192.0.2.1", now.AddTicks(1))), now).Should().BeFalse();
        IpAddressSet.Empty.Covers(wide, now).Should().BeFalse();
        IpAddressSet.Unreadable.Covers(wide, now).Should().BeFalse();
    }

    [Fact]
    public void Throws_for_null_in_place_of_a_list_or_an_address()
    {
        ((Action)(() => IpAddressSet.TryParse((IEnumerable<IpAllowlistEntry>)null!, null, out _, out _)))
            .Should().Throw<ArgumentNullException>();
        ((Action)(() => IpAddressSet.TryParse((IEnumerable<string>)null!, null, out _, out _))).Should().Throw<ArgumentNullException>();
        ((Action)(() => IpAddressSet.Empty.Contains(null!, Friday))).Should().Throw<ArgumentNullException>();
    }

    private static IpAddressSet Stored(params string[] entries)
    {
        IpAddressSet set = IpAddressSet.ReadStored(entries, out IReadOnlyList<IpAddressError> errors);
        errors.Should().BeEmpty();
        return set;
    }

    private static IpAddressSet Read(params (string Text, DateTimeOffset? ExpiresAt)[] entries)
    {
        IpAddressSet set = IpAddressSet.ReadStored(
            entries.Select(entry => Entry(entry.Text, entry.ExpiresAt)), out IReadOnlyList<IpAddressError> errors);
        errors.Should().BeEmpty();
        return set;
    }

    private static IpAllowlistEntry Entry(string text, DateTimeOffset? expiresAt) => new() { Text = text, ExpiresAt = expiresAt };

    private static IpAddressValue Value(string address) => IpAddressValue.From(IPAddress.Parse(address));

    private static DateTimeOffset? Until(IpAddressSet set, string address) => Expiry.ToInstant(set.ListedUntil(Value(address)));
}
