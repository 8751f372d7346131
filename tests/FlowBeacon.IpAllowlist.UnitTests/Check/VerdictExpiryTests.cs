using System.Net;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.UnitTests.Check;

/// <summary>A verdict that rests on an entry with an expiry, judged anew or kept from an earlier request.</summary>
public sealed class VerdictExpiryTests
{
    private static readonly DateTimeOffset Start = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Start);
    private readonly VerdictCache _cache = new();

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("203.0.113.0/28")]
    public void A_kept_verdict_admits_until_the_instant_of_expiry_and_not_at_it(string entry)
    {
        ApiKey key = Key((entry, Start.AddHours(1)));
        IpAllowlistFeature first = Request(key, "203.0.113.7");

        _time.SetUtcNow(Start.AddHours(1).AddTicks(-1));
        Request(key, "203.0.113.7").Should().BeSameAs(first);
        first.Outcome.Should().Be(IpAllowlistOutcome.Allowed);
        first.Until.Should().Be(Start.AddHours(1).UtcTicks);

        _time.SetUtcNow(Start.AddHours(1));
        IpAllowlistFeature after = Request(key, "203.0.113.7");
        after.Outcome.Should().Be(IpAllowlistOutcome.Denied);
        after.DenialReason.Should().Be(IpAllowlistDenialReason.NotListed);
    }

    [Fact]
    public void A_verdict_holds_until_the_latest_expiry_of_the_entries_that_match()
    {
        ApiKey key = Key(
            ("203.0.113.7", Start.AddHours(1)), ("203.0.113.0/28", Start.AddHours(3)), ("203.0.113.0/24", Start.AddHours(2)));
        Request(key, "203.0.113.7").Until.Should().Be(Start.AddHours(3).UtcTicks);

        _time.SetUtcNow(Start.AddHours(2));
        Request(key, "203.0.113.7").Outcome.Should().Be(IpAllowlistOutcome.Allowed);
        Request(key, "203.0.113.200").Outcome.Should().Be(IpAllowlistOutcome.Denied);

        _time.SetUtcNow(Start.AddHours(3));
        Request(key, "203.0.113.7").Outcome.Should().Be(IpAllowlistOutcome.Denied);
    }

    [Fact]
    public void A_list_whose_entries_have_all_run_out_denies_everybody_and_is_never_no_list()
    {
        ApiKey key = Key(("203.0.113.7", Start), ("2001:db8::/64", Start.AddDays(-1)), ("198.51.100.0/28", DateTimeOffset.MinValue));

        foreach (string address in new[] { "203.0.113.7", "2001:db8::1", "198.51.100.1", "192.0.2.1" })
        {
            Request(key, address).Outcome.Should().Be(IpAllowlistOutcome.Denied);
        }

        key.Judge(ClientIp.Unusable(ClientIpFault.UnknownPeer), _time).Should().Be(IpAllowlistOutcome.Denied);
        key.AllowedIps.Count.Should().Be(3);
    }

    [Fact]
    public void A_rehearsed_list_would_deny_once_its_entry_has_run_out()
    {
        ApiKey key = Key(("203.0.113.7", Start.AddHours(1))) with { AllowlistMode = AllowlistMode.ReportOnly };
        Request(key, "203.0.113.7").Outcome.Should().Be(IpAllowlistOutcome.Allowed);

        _time.SetUtcNow(Start.AddHours(1));

        IpAllowlistFeature after = Request(key, "203.0.113.7");
        after.Outcome.Should().Be(IpAllowlistOutcome.WouldDeny);
        Request(key, "203.0.113.7").Should().BeSameAs(after, "the verdict that ran out is replaced");
    }

    [Fact]
    public void A_verdict_is_judged_by_the_clock_of_the_moment_when_that_is_set_back()
    {
        ApiKey key = Key(("203.0.113.7", Start.AddHours(1)));
        var clock = new Clock { Now = Start.AddHours(1) };

        _cache.Judge(key, key.Hash, From("203.0.113.7"), clock).Outcome.Should().Be(IpAllowlistOutcome.Denied);
        clock.Now = Start;
        _cache.Judge(key, key.Hash, From("203.0.113.7"), clock).Outcome.Should().Be(IpAllowlistOutcome.Allowed);
    }

    [Fact]
    public void Reads_the_clock_only_for_an_address_whose_entries_all_expire()
    {
        var clock = new Clock { Now = Start };
        ApiKey plain = Key(("203.0.113.7", null), ("198.51.100.0/28", null), ("2001:db8::7", null));
        ApiKey mixed = Key(("203.0.113.7", null), ("203.0.113.0/28", Start.AddHours(1)), ("198.51.100.9", Start.AddHours(1)));
        ApiKey open = Key();

        foreach ((ApiKey key, string address) in new[]
        {
            (plain, "203.0.113.7"), (plain, "198.51.100.9"), (plain, "2001:db8::7"), (plain, "192.0.2.1"), (mixed, "203.0.113.7"),
            (mixed, "192.0.2.1"), (open, "192.0.2.1"),
        })
        {
            Request(key, address, clock);
            Request(key, address, clock);
        }

        clock.Asked.Should().Be(0);
        Request(mixed, "198.51.100.9", clock);
        clock.Asked.Should().BeGreaterThan(0);
    }

    [Theory]
    [InlineData("203.0.113.7", false)]
    [InlineData("198.51.100.9", false)]
    [InlineData("198.51.100.9", true)]
    [InlineData("2001:db8::9", true)]
    public void A_warm_verdict_allocates_nothing(string address, bool expires)
    {
        DateTimeOffset? expiresAt = expires ? DateTimeOffset.MaxValue : null;
        ApiKey key = Key(("203.0.113.7", null), ("198.51.100.0/28", expiresAt), ("2001:db8::/64", expiresAt));
        ClientIp client = From(address);
        Request(key, address, TimeProvider.System).Outcome.Should().Be(IpAllowlistOutcome.Allowed);
        Work();

        // The runtime may allocate once in a while for itself, so one run of several counts.
        Enumerable.Range(0, 10).Any(_ => AllocatedByWork() == 0).Should().BeTrue();

        long AllocatedByWork()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Work();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Work()
        {
            for (int round = 0; round < 1_000; round++)
            {
                _cache.Judge(key, key.Hash, client, TimeProvider.System);
                key.Judge(client, TimeProvider.System);
            }
        }
    }

    /// <summary>
    /// Many keys and addresses share one cache; time moves on between requests, often by a tick to or past an expiry. What is admitted is
    /// what a list of entries says that is asked entry by entry at that instant.
    /// </summary>
    [Fact]
    public void Admits_no_request_at_or_after_an_expiry_in_any_sequence_of_requests_and_waits()
    {
        string[] texts = ["203.0.113.7", "203.0.113.0/28", "203.0.113.0/24", "2001:db8::7", "2001:db8::/64", "2001:db8::/32"];
        (string Address, string[] Entries)[] probes =
        [
            ("203.0.113.7", ["203.0.113.7", "203.0.113.0/28", "203.0.113.0/24"]),
            ("203.0.113.9", ["203.0.113.0/28", "203.0.113.0/24"]),
            ("203.0.113.200", ["203.0.113.0/24"]),
            ("2001:db8::7", ["2001:db8::7", "2001:db8::/64", "2001:db8::/32"]),
            ("2001:db8::8", ["2001:db8::/64", "2001:db8::/32"]),
            ("2001:db8:1::7", ["2001:db8::/32"]),
            ("192.0.2.1", []),
        ];
        Gen<(string Text, int? ExpiresAfter)[]> list = Gen.Select(Gen.OneOf(texts), Gen.Int[-1, 8])
            .Select(entry => (entry.Item1, entry.Item2 < 0 ? (int?)null : entry.Item2))
            .Array[1, 6]
            .Select(entries => entries.DistinctBy(entry => entry.Item1).ToArray());
        Gen<(int Key, int Probe, int Wait)[]> steps =
            Gen.Select(Gen.Int[0, 2], Gen.Int[0, probes.Length - 1], Gen.Frequency((3, Gen.Const(0)), (2, Gen.Int[1, 2])))
                .Array[5, 40];

        Gen.Select(list.Array[3], Gen.Bool, steps).Sample(
            (lists, isRehearsed, sequence) =>
            {
                var clock = new Clock { Now = Start };
                var cache = new VerdictCache();
                ApiKey[] keys = [.. lists.Select((entries, number) =>
                    Key([.. entries.Select(entry => (entry.Text, Instant(entry.ExpiresAfter)))]) with
                    {
                        Id = $"key-{number}",
                        AllowlistMode = isRehearsed && number == 0 ? AllowlistMode.ReportOnly : AllowlistMode.Enforce,
                    })];
                foreach ((int number, int at, int wait) in sequence)
                {
                    clock.Now = clock.Now.AddTicks(wait);
                    (string address, string[] holding) = probes[at];
                    bool isAdmitted = lists[number].Any(entry =>
                        holding.Contains(entry.Text) && (entry.ExpiresAfter is null || clock.Now < Instant(entry.ExpiresAfter)));
                    IpAllowlistOutcome expected = isAdmitted ? IpAllowlistOutcome.Allowed
                        : keys[number].AllowlistMode == AllowlistMode.ReportOnly ? IpAllowlistOutcome.WouldDeny
                        : IpAllowlistOutcome.Denied;

                    Request(keys[number], address, clock, cache).Outcome.Should().Be(expected);
                }
            },
            iter: 10_000);

        static DateTimeOffset? Instant(int? ticks) => ticks is null ? null : Start.AddTicks(ticks.Value);
    }

    private IpAllowlistFeature Request(ApiKey key, string address, TimeProvider? time = null, VerdictCache? cache = null)
    {
        ClientIp client = From(address);
        IpAllowlistFeature verdict = (cache ?? _cache).Judge(key, key.Hash, client, time ?? _time);
        if (!verdict.Outcome.Passes() || verdict.Source is not null)
        {
            return verdict;
        }

        // As the recorder does with a request that is admitted for the first time.
        (cache ?? _cache).Keep(verdict, new SourceCell(client, now: 0));
        return (cache ?? _cache).Judge(key, key.Hash, client, time ?? _time);
    }

    private static ApiKey Key(params (string Text, DateTimeOffset? ExpiresAt)[] entries) =>
        TestKeys.Create(TestKeys.Restricted, "key") with
        {
            AllowedIps = IpAddressSet.ReadStored(
                entries.Select(entry => new IpAllowlistEntry { Text = entry.Text, ExpiresAt = entry.ExpiresAt }), out _),
        };

    private static ClientIp From(string address) => ClientIp.Peer(IpAddressValue.From(IPAddress.Parse(address)));

    /// <summary>A clock that can be set back, and counts how often it is read.</summary>
    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public int Asked { get; private set; }

        public override DateTimeOffset GetUtcNow()
        {
            Asked++;
            return Now;
        }
    }
}
