using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.UnitTests.Check;

public sealed class VerdictCacheTests
{
    private static readonly ApiKey Key = TestKeys.Create(TestKeys.Restricted, "restricted", "203.0.113.7");

    private readonly VerdictCache _cache = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_verdict_is_kept_for_the_same_key_secret_and_address()
    {
        IpAllowlistFeature first = Judge(Key, Key.Hash, From(1));

        Judge(Open("open"), Key.Hash, From(1)).Should().NotBeSameAs(first);
        first.Outcome.Should().Be(IpAllowlistOutcome.Denied);

        IpAllowlistFeature allowed = Judge(Key, Key.Hash, Listed());
        Judge(Key, Key.Hash, Listed()).Should().BeSameAs(allowed);
    }

    [Fact]
    public void Judging_alone_keeps_nothing() =>
        _cache.Judge(Key, Key.Hash, Listed(), _time).Should().NotBeSameAs(_cache.Judge(Key, Key.Hash, Listed(), _time));

    [Fact]
    public void A_changed_key_is_judged_by_its_new_list_and_takes_the_place_of_the_old_one()
    {
        IpAllowlistFeature before = Judge(Key, Key.Hash, Listed());
        ApiKey changed = Key with { AllowedIps = IpAddressSet.Parse(["198.51.100.9"]) };
        ApiKey named = Key with { Name = "named" };

        Judge(changed, Key.Hash, Listed()).Outcome.Should().Be(IpAllowlistOutcome.Denied);
        IpAllowlistFeature after = Judge(named, Key.Hash, Listed());

        after.Key.Should().BeSameAs(named);
        Judge(named, Key.Hash, Listed()).Should().BeSameAs(after);
        Judge(Key, Key.Hash, Listed()).Should().NotBeSameAs(before);
    }

    [Fact]
    public void The_old_secret_of_a_rotation_has_a_verdict_of_its_own()
    {
        ApiKeyHash old = ApiKeyHash.Compute(TestKeys.Unknown);
        ApiKey rotated = Key with
        {
            Retiring = new RetiringSecret { Hash = old, Prefix = "fb_live_5555", ExpiresAt = DateTimeOffset.MaxValue },
        };

        Judge(rotated, Key.Hash, Listed()).KeyPrefix.Should().Be("fb_live_1111");
        Judge(rotated, old, Listed()).KeyPrefix.Should().Be("fb_live_5555");
        Judge(rotated, Key.Hash, Listed()).KeyPrefix.Should().Be("fb_live_1111");
    }

    [Fact]
    public void A_key_with_ever_new_addresses_leaves_most_verdicts_of_others_in_place()
    {
        ApiKey[] quiet = [.. Enumerable.Range(0, 1_000).Select(number => Open($"quiet-{number}"))];
        IpAllowlistFeature[] before = [.. quiet.Select(key => Judge(key, key.Hash, From(1)))];
        ApiKey noisy = Open("noisy");

        for (uint address = 0; address < VerdictCache.Capacity; address++)
        {
            Judge(noisy, noisy.Hash, From(address));
        }

        int kept = quiet.Zip(before).Count(pair => ReferenceEquals(Judge(pair.First, pair.First.Hash, From(1)), pair.Second));
        kept.Should().BeGreaterThan(900);
    }

    [Fact]
    public void Two_keys_with_one_address_and_one_key_with_two_do_not_get_each_others_verdict()
    {
        ApiKey[] keys = [.. Enumerable.Range(0, 200).Select(number => Open($"key-{number}"))];

        for (int round = 0; round < 2; round++)
        {
            foreach (ApiKey key in keys)
            {
                for (uint address = 0; address < 20; address++)
                {
                    IpAllowlistFeature verdict = Judge(key, key.Hash, From(address));
                    verdict.Key.Should().BeSameAs(key);
                    verdict.Client.Should().Be(From(address));
                }
            }
        }
    }

    /// <summary>Judges a request, and keeps the verdict if it admits the request, as the recorder does.</summary>
    private IpAllowlistFeature Judge(ApiKey key, ApiKeyHash secret, ClientIp client)
    {
        IpAllowlistFeature verdict = _cache.Judge(key, secret, client, _time);
        if (verdict.Outcome == IpAllowlistOutcome.Denied || verdict.Source is not null)
        {
            return verdict;
        }

        _cache.Keep(verdict, new SourceCell(client, now: 0));
        return _cache.Judge(key, secret, client, _time);
    }

    private static ApiKey Open(string id) => TestKeys.Create($"raw-{id}", id);

    private static ClientIp From(uint number) => ClientIp.Forwarded(IpAddressValue.FromIPv4(number), hop: 1);

    private static ClientIp Listed() => ClientIp.Forwarded(IpAddressValue.From(System.Net.IPAddress.Parse("203.0.113.7")), hop: 1);
}
