using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>The last use of each of the two secrets of a rotation.</summary>
public sealed class SecretsSeenTests : IDisposable
{
    private static readonly ApiKeyHash Old = ApiKeyHash.Compute(TestKeys.Restricted);
    private static readonly ApiKeyHash New = ApiKeyHash.Compute(TestKeys.Unrestricted);
    private static readonly ApiKeyHash Third = ApiKeyHash.Compute(TestKeys.Unknown);

    private readonly ObservedTraffic _observed = new();

    public void Dispose() => _observed.Dispose();

    [Fact]
    public void Tells_the_last_use_of_each_secret_apart()
    {
        ApiKey key = Rotated();
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.1"));
        Advance(1);
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.2"));
        Advance(1);
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));

        RotationUse use = _observed.Traffic.ReadRotationUse(key)!;
        use.Old.Should().Be(Use(Old, "198.51.100.2", 1));
        use.Replacement.Should().Be(Use(New, "198.51.100.1", 2));
        use.Old!.ToString().Should().Be("SecretUse key from 198.51.100.2 at 2027-01-01 12:00:01Z", "a hash is in no text");
    }

    [Fact]
    public void A_use_without_an_address_is_a_use()
    {
        ApiKey key = Rotated();
        _observed.Use(key, Old, ClientIp.Unusable(ClientIpFault.UnknownPeer));

        _observed.Traffic.ReadLastUse(Old).Should().Be(Use(Old, null, 0));
        _observed.Traffic.ReadLastUse(New).Should().BeNull();
    }

    [Fact]
    public void Nothing_is_recorded_of_a_key_without_an_old_secret_or_from_the_end_of_its_grace_period_on()
    {
        _observed.Use(Rotated() with { Retiring = null }, New, ObservedTraffic.From("198.51.100.1"));
        Advance(3_599);
        _observed.Traffic.ReadLastUse(New).Should().BeNull();
        ApiKey key = Rotated();
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));
        Advance(1);
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.2"));

        _observed.Traffic.ReadLastUse(New).Should().Be(Use(New, "198.51.100.1", 3_599));
    }

    [Fact]
    public void Uses_before_a_rotation_count_for_the_old_secret()
    {
        ApiKey key = Rotated();
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.1"));
        Advance(2);
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.2"));
        Advance(2);

        RotationUse unused = _observed.Traffic.ReadRotationUse(key)!;
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.2"));
        Advance(1);
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));
        RotationUse used = _observed.Traffic.ReadRotationUse(key)!;

        unused.Should().Be(new RotationUse { Old = Use(Old, "198.51.100.2", 2), Replacement = null });
        used.Should().Be(new RotationUse { Old = Use(Old, "198.51.100.2", 2), Replacement = Use(New, "198.51.100.1", 5) });
    }

    [Fact]
    public void A_first_use_of_the_new_secret_is_none_of_the_old_one()
    {
        ApiKey key = Rotated();
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));

        _observed.Traffic.ReadRotationUse(key).Should().Be(
            new RotationUse { Old = null, Replacement = Use(New, "198.51.100.1", 0) });
    }

    [Fact]
    public void A_key_without_a_rotation_or_unknown_has_no_use_of_secrets()
    {
        _observed.Traffic.ReadRotationUse(Rotated() with { Retiring = null }).Should().BeNull();
        _observed.Traffic.ReadRotationUse(Rotated()).Should().Be(new RotationUse { Old = null, Replacement = null });
    }

    [Fact]
    public void The_new_secret_of_one_rotation_is_the_old_one_of_the_next()
    {
        ApiKey key = Rotated();
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.1"));
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.2"));
        Advance(10);
        ApiKey again = key with { Hash = Third, Retiring = Retiring(New, ObservedTraffic.Start.AddHours(2)) };

        _observed.Use(again, Third, ObservedTraffic.From("198.51.100.3"));
        _observed.Traffic.ReadRotationUse(again)!.Old!.LastSeen.Should().Be(ObservedTraffic.Start, "it was used before the rotation");
        Advance(1);
        _observed.Use(again, New, ObservedTraffic.From("198.51.100.2"));

        _observed.Traffic.ReadRotationUse(again).Should().Be(
            new RotationUse { Old = Use(New, "198.51.100.2", 11), Replacement = Use(Third, "198.51.100.3", 10) });
    }

    [Fact]
    public void What_used_the_key_between_two_rotations_used_the_old_secret_of_the_later_one()
    {
        ApiKey key = Rotated();
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));
        Advance(7_200);
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.2"));
        Advance(10);
        ApiKey again = key with { Hash = Third, Retiring = Retiring(New, ObservedTraffic.Start.AddHours(4)) };

        _observed.Traffic.ReadRotationUse(again).Should().Be(
            new RotationUse { Old = Use(New, "198.51.100.2", 7_200), Replacement = null });
        _observed.Use(again, Third, ObservedTraffic.From("198.51.100.2"));
        _observed.Traffic.ReadRotationUse(again).Should().Be(
            new RotationUse { Old = Use(New, "198.51.100.2", 7_200), Replacement = Use(Third, "198.51.100.2", 7_210) });
    }

    [Fact]
    public void It_did_so_after_a_grace_period_that_was_ended_early_too()
    {
        ApiKey key = Rotated() with { Retiring = Retiring(Old, ObservedTraffic.Start.AddHours(168)) };
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.1"));
        Advance(7_200);
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.2"));
        Advance(10);
        ApiKey again = key with { Hash = Third, Retiring = Retiring(New, ObservedTraffic.Start.AddHours(4)) };
        _observed.Use(again, Third, ObservedTraffic.From("198.51.100.3"));

        RotationUse beforeItIsUsed = _observed.Traffic.ReadRotationUse(again)!;
        _observed.Use(again, New, ObservedTraffic.From("198.51.100.4"));

        beforeItIsUsed.Should().Be(
            new RotationUse { Old = Use(New, "198.51.100.2", 7_200), Replacement = Use(Third, "198.51.100.3", 7_210) });
        _observed.Traffic.ReadRotationUse(again)!.Old.Should().Be(Use(New, "198.51.100.4", 7_210));
    }

    [Fact]
    public void A_use_before_the_rotation_does_not_replace_a_later_one_in_it()
    {
        ApiKey key = Rotated();
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.1"));
        Advance(1);
        SourceCell source = _observed.Sources.Admit(key.Id, ObservedTraffic.From("198.51.100.2"));
        Advance(1);
        _observed.Secrets.Seen(key, Old, source, _observed.Clock.Now);
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.3"));

        _observed.Traffic.ReadRotationUse(key)!.Old.Should().Be(Use(Old, "198.51.100.2", 2));
    }

    [Fact]
    public void A_grace_period_that_a_store_of_the_host_extends_goes_on()
    {
        ApiKey key = Rotated();
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.1"));
        _observed.Use(key, New, ObservedTraffic.From("198.51.100.2"));
        ApiKey extended = key with { Retiring = Retiring(Old, ObservedTraffic.Start.AddHours(2)) };
        Advance(10);
        _observed.Use(key.Id, ObservedTraffic.From("198.51.100.2"));
        _observed.Use(extended, New, ObservedTraffic.From("198.51.100.3"));

        _observed.Traffic.ReadRotationUse(extended).Should().Be(
            new RotationUse { Old = Use(Old, "198.51.100.1", 0), Replacement = Use(New, "198.51.100.3", 10) });
        Advance(3_600);
        _observed.Use(extended, Old, ObservedTraffic.From("198.51.100.1"));
        _observed.Traffic.ReadLastUse(Old).Should().Be(Use(Old, "198.51.100.1", 3_610));
    }

    [Fact]
    public void Each_change_is_taken_once()
    {
        ApiKey key = Rotated();
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.1"));
        TrafficChanges first = _observed.Local.TakeChanges(100)!;
        _observed.Local.Confirm(first);
        TrafficChanges? none = _observed.Local.TakeChanges(100);
        Advance(1);
        _observed.Use(key, Old, ObservedTraffic.From("198.51.100.1"));
        TrafficChanges second = _observed.Local.TakeChanges(100)!;

        first.Secrets.Should().Equal(Use(Old, "198.51.100.1", 0));
        none.Should().BeNull();
        second.Secrets.Should().Equal(Use(Old, "198.51.100.1", 1));
    }

    [Fact]
    public void The_use_of_a_secret_is_not_in_a_later_batch_than_that_of_its_key()
    {
        _observed.Use(Rotated(), New, ObservedTraffic.From("198.51.100.1"));
        TrafficChanges first = _observed.Local.TakeChanges(1)!;
        _observed.Local.Confirm(first);
        TrafficChanges second = _observed.Local.TakeChanges(1)!;

        first.Secrets.Should().Equal(Use(New, "198.51.100.1", 0));
        first.Sources.Should().BeEmpty();
        second.Sources.Should().ContainSingle();
    }

    [Fact]
    public void Secrets_of_ended_grace_periods_are_dropped_and_those_of_others_never()
    {
        for (int number = 0; number < SecretsSeen.FewCells; number++)
        {
            ApiKeyHash old = ApiKeyHash.Compute($"old {number}");
            ApiKey key = Rotated() with { Id = $"key {number}", Retiring = Retiring(old, ObservedTraffic.Start.AddHours(1)) };
            _observed.Use(key, old, ObservedTraffic.From("198.51.100.1"));
        }

        _observed.Secrets.Cells.Should().Be(SecretsSeen.FewCells);
        ApiKey another = Rotated() with { Retiring = Retiring(Old, ObservedTraffic.Start.AddHours(2)) };
        _observed.Use(another, Old, ObservedTraffic.From("198.51.100.2"));
        _observed.Secrets.Cells.Should().Be(SecretsSeen.FewCells + 1, "all are in their grace periods");

        Advance(3_600);
        for (int number = 0; number < SecretsSeen.FewCells + 2; number++)
        {
            ApiKeyHash old = ApiKeyHash.Compute($"later {number}");
            ApiKey key = Rotated() with { Id = $"later {number}", Retiring = Retiring(old, ObservedTraffic.Start.AddHours(2)) };
            _observed.Use(key, old, ObservedTraffic.From("198.51.100.1"));
        }

        _observed.Secrets.Cells.Should().Be(SecretsSeen.FewCells + 3);
        _observed.Traffic.ReadLastUse(Old).Should().Be(Use(Old, "198.51.100.2", 0));
    }

    private static ApiKey Rotated() => new()
    {
        Id = "key",
        Hash = New,
        AllowedIps = IpAddressSet.Empty,
        Retiring = Retiring(Old, ObservedTraffic.Start.AddHours(1)),
    };

    private static RetiringSecret Retiring(ApiKeyHash secret, DateTimeOffset until) =>
        new() { Hash = secret, Prefix = "fb_live_0000", ExpiresAt = until };

    private static SecretUse Use(ApiKeyHash secret, string? clientIp, int second) =>
        new() { KeyId = "key", Secret = secret, ClientIp = clientIp, LastSeen = ObservedTraffic.Start.AddSeconds(second) };

    private void Advance(int seconds) => _observed.Time.Advance(TimeSpan.FromSeconds(seconds));
}
