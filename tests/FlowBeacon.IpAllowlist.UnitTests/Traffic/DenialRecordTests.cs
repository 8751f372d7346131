using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>How the record stores and returns denials.</summary>
public sealed class DenialRecordTests : IDisposable
{
    private const string Key = "key";

    private static readonly ClientIp Client = ObservedTraffic.From("198.51.100.9");
    private static readonly string RawKey = $"fb_live_{string.Concat(Enumerable.Repeat("1a", 24))}";

    private readonly ObservedTraffic _traffic = new();

    /// <summary>Method and path of a request, and what is shown of them.</summary>
    public static TheoryData<string, string?, string, string> Texts => new()
    {
        { "GET", "/a/b", "GET", "/a/b" },
        { "get", "", "GET", "" },
        { "Brew", null, "Brew", "" },
        { "GET", "/\r\n\t\0\u001b\u007f", "GET", @"/\u000d\u000a\u0009\u0000\u001b\u007f" },
        { "F'O\\O", "/'\"\\<script>", @"F\u0027O\u005cO", "/\\u0027\"\\u005c<script>" },
        { "G\u00c9T", "/\u00fc\u2028\U0001f600", @"G\u00c9T", @"/\u00fc\u2028\ud83d\ude00" },
        { new string('M', 64), "/" + new string('x', 63), new string('M', 64), "/" + new string('x', 63) },
        { new string('M', 65), "/" + new string('x', 64), new string('M', 64) + "...", "/" + new string('x', 63) + "..." },
        { new string('M', 10_000), "/" + new string('x', 10_000), new string('M', 64) + "...", "/" + new string('x', 63) + "..." },
        { "GET", "/" + RawKey, "GET", "/fb_live_1a1a..." },
        { RawKey, "/v1/" + RawKey + "/x", "fb_live_1a1a...", "/v1/fb_live_1a1a.../x" },
        { "GET", "/" + ApiKeyHash.Compute(RawKey), "GET", $"/{ApiKeyHash.Compute(RawKey).ToString()[..10]}......" },
    };

    public void Dispose() => _traffic.Dispose();

    [Theory]
    [MemberData(nameof(Texts))]
    public void Texts_of_the_request_are_bounded_escaped_and_without_keys(string method, string? path, string shownMethod, string shownPath)
    {
        var context = new DefaultHttpContext
        {
            Request = { Method = method, Path = new PathString(path), QueryString = new QueryString("?key=" + RawKey) },
        };

        _traffic.Denials.Add(context, ObservedTraffic.Denied(Key, Client));

        Denial denial = _traffic.DenialsOf(Key).Should().ContainSingle().Which;
        denial.LastMethod.Should().Be(shownMethod);
        denial.LastPath.Should().Be(shownPath);
    }

    [Fact]
    public void A_denial_is_counted_with_its_first_and_its_last_time_method_and_path()
    {
        _traffic.Denials.Add(Request("POST", "/first"), ObservedTraffic.Denied(Key, ClientIp.Peer(Client.Address)));
        _traffic.Time.Advance(TimeSpan.FromSeconds(90.9));
        _traffic.Denials.Add(Request("GET", "/second"), ObservedTraffic.Denied(Key, ClientIp.Forwarded(Client.Address, hop: 3)));

        _traffic.DenialsOf(Key).Should().Equal(new Denial
        {
            KeyId = Key,
            ClientIp = "198.51.100.9",
            Reason = IpAllowlistDenialReason.NotListed,
            ClientIpOrigin = ClientIpOrigin.ForwardedFor,
            Hop = 3,
            IsReportOnly = false,
            Count = 2,
            CountError = 0,
            FirstSeen = ObservedTraffic.Start,
            LastSeen = ObservedTraffic.Start.AddSeconds(90),
            LastMethod = "GET",
            LastPath = "/second",
        });

        static DefaultHttpContext Request(string method, string path) => new() { Request = { Method = method, Path = path } };
    }

    [Fact]
    public void Only_the_first_denial_of_a_key_an_address_a_reason_and_a_kind_is_new()
    {
        (string Key, ClientIp Client, bool IsReportOnly, IpAddressSet? List)[] pairs =
        [
            (Key, Client, false, null),
            ("other", Client, false, null),
            (Key, ObservedTraffic.From("198.51.100.10"), false, null),
            (Key, ObservedTraffic.From("2001:db8::9"), false, null),
            (Key, Client, true, null),
            (Key, Client, false, IpAddressSet.Unreadable),
            (Key, ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1), false, null),
            (Key, ClientIp.Unusable(ClientIpFault.UnknownPeer), false, null),
            (Key, ClientIp.Unusable(ClientIpFault.PeerRewritten), false, null),
        ];

        foreach ((string key, ClientIp client, bool isReportOnly, IpAddressSet? list) in pairs)
        {
            _traffic.Deny(key, client, isReportOnly, list).Should().BeTrue();
            _traffic.Deny(key, client, isReportOnly, list).Should().BeFalse();
        }

        // Where the address came from does not make it another one.
        _traffic.Deny(Key, ObservedTraffic.From("198.51.100.11")).Should().BeTrue();
        _traffic.Deny(Key, ClientIp.Forwarded(ObservedTraffic.From("198.51.100.11").Address, hop: 7)).Should().BeFalse();
    }

    [Fact]
    public void Addresses_that_come_again_are_not_new_although_there_are_more_than_the_table_has_rows()
    {
        const uint Addresses = 3 * DenialTable.MostRows;
        for (uint number = 0; number < Addresses; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(number));
        }

        int isNewAgain = Enumerable.Range(0, (int)Addresses).Count(number => _traffic.Deny(Key, ObservedTraffic.From((uint)number)));

        isNewAgain.Should().BeLessThan((int)Addresses / 2);
    }

    /// <summary>So no denial is lost in a record that is dropped in the same moment: it goes to a new one.</summary>
    [Fact]
    public void A_record_that_is_dropped_takes_no_denial_and_one_that_was_denied_meanwhile_is_not_dropped()
    {
        DenialOccurrence denial = new(Key, Client, IpAllowlistDenialReason.NotListed, IsReportOnly: false, IsHealth: false, "GET", "/");
        var record = new KeyDenials(now: 100);
        record.TryAdd(denial, at: 101).Should().BeTrue();

        record.TryClose(lastAt: 100).Should().BeFalse("it was denied since");
        record.TryAdd(denial, at: 102).Should().BeTrue();
        record.TryClose(lastAt: 102).Should().BeTrue();

        record.TryAdd(denial, at: 103).Should().BeFalse();
        record.Totals.Should().Be(new DenialTotals { Denied = 2, WouldDeny = 0 });
    }

    [Fact]
    public void A_rehearsal_is_counted_apart_and_pushes_no_denial_out()
    {
        for (uint number = 0; number < DenialTable.MostRows; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(number));
        }

        for (uint number = 0; number < 10 * DenialTable.MostRows; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(number), isReportOnly: true);
        }

        ILookup<bool, Denial> denials = _traffic.DenialsOf(Key).ToLookup(denial => denial.IsReportOnly);
        denials[false].Should().HaveCount(DenialTable.MostRows).And.OnlyContain(denial => denial.Count == 1 && denial.CountError == 0);
        denials[true].Should().HaveCount(DenialTable.MostRows).And.OnlyContain(denial => denial.Count == 10 && denial.CountError == 9);
        _traffic.Traffic.ReadTotals(Key).Should().Be(
            new DenialTotals { Denied = DenialTable.MostRows, WouldDeny = 10 * DenialTable.MostRows });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Asking_health_is_kept_apart_bounded_and_counted_in_no_total(bool isReportOnly)
    {
        for (uint number = 0; number < DenialRecord.MostKeys; number++)
        {
            _traffic.Deny($"key {number}", Client);
        }

        for (uint number = 0; number < 3 * DenialRecord.MostKeys; number++)
        {
            _traffic.Time.Advance(TimeSpan.FromSeconds(1));
            _traffic.AskHealth($"key {number}", Client, isReportOnly).Should().BeFalse("it is no denial");
        }

        ILookup<bool, Denial> denials = _traffic.Traffic.ReadDenials(new DenialQuery { Limit = int.MaxValue })
            .ToLookup(denial => denial.IsHealth);
        denials[false].Select(denial => denial.KeyId).Order(StringComparer.Ordinal).Should().Equal(
            Enumerable.Range(0, DenialRecord.MostKeys).Select(number => $"key {number}").Order(StringComparer.Ordinal));
        denials[true].Select(denial => denial.KeyId).Should().Equal(
            Enumerable.Range(0, DenialRecord.MostHealthKeys).Select(number => $"key {(3 * DenialRecord.MostKeys) - 1 - number}"));
        denials[true].Should().OnlyContain(denial => denial.IsReportOnly == isReportOnly && denial.Count == 1);
        _traffic.Traffic.ReadTotals(null).Should().Be(new DenialTotals { Denied = DenialRecord.MostKeys, WouldDeny = 0 });
        _traffic.Traffic.ReadTotals("key 3000").Should().Be(new DenialTotals { Denied = 0, WouldDeny = 0 });
        _traffic.Denials.WasDenied("key 3000", IPAddress.Parse("198.51.100.9"), default).Should().BeFalse();
        _traffic.Denials.LastOfEachKey(0).Should().OnlyContain(denial => !denial.IsHealth);
    }

    [Fact]
    public void The_first_denial_is_new_although_health_was_asked_before()
    {
        _traffic.AskHealth(Key, Client);

        _traffic.Deny(Key, Client).Should().BeTrue();
    }

    /// <summary>Denied one after the other, a second apart, the last denied first: what each query finds of them.</summary>
    public static TheoryData<DenialQuery, string[]> Queries
    {
        get
        {
            DateTimeOffset start = ObservedTraffic.Start;
            return new()
            {
                { new DenialQuery(), ["b ", "b 2001:db8::9", "b 198.51.100.9", "a 198.51.100.10", "a 198.51.100.9"] },
                { new DenialQuery { KeyId = "a" }, ["a 198.51.100.10", "a 198.51.100.9"] },
                { new DenialQuery { KeyId = "A" }, [] },
                { new DenialQuery { ClientIp = IPAddress.Parse("198.51.100.9") }, ["b 198.51.100.9", "a 198.51.100.9"] },
                { new DenialQuery { ClientIp = IPAddress.Parse("::ffff:198.51.100.9") }, ["b 198.51.100.9", "a 198.51.100.9"] },
                { new DenialQuery { ClientIp = IPAddress.Parse("2001:db8::9%7") }, ["b 2001:db8::9"] },
                { new DenialQuery { ClientIp = IPAddress.IPv6Any }, [] },
                { new DenialQuery { KeyId = "b", ClientIp = IPAddress.Parse("198.51.100.9") }, ["b 198.51.100.9"] },
                { new DenialQuery { KeyId = "a", ClientIp = IPAddress.Parse("2001:db8::9") }, [] },
                { new DenialQuery { Since = start.AddSeconds(3) }, ["b ", "b 2001:db8::9"] },
                { new DenialQuery { Since = start.AddSeconds(3.9).ToOffset(TimeSpan.FromHours(5)) }, ["b ", "b 2001:db8::9"] },
                { new DenialQuery { Since = start.AddSeconds(5) }, [] },
                { new DenialQuery { Since = DateTimeOffset.MinValue, Limit = 1 }, ["b "] },
                { new DenialQuery { KeyId = "a", Limit = 1 }, ["a 198.51.100.10"] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Queries))]
    public void A_query_finds_by_key_address_and_time_the_last_denied_first(DenialQuery query, string[] found)
    {
        foreach ((string key, ClientIp client) in new[]
        {
            ("a", Client),
            ("a", ObservedTraffic.From("198.51.100.10")),
            ("b", Client),
            ("b", ObservedTraffic.From("2001:db8::9")),
            ("b", ClientIp.Unusable(ClientIpFault.UnknownPeer)),
        })
        {
            _traffic.Deny(key, client);
            _traffic.Time.Advance(TimeSpan.FromSeconds(1));
        }

        _traffic.Traffic.ReadDenials(query).Select(denial => $"{denial.KeyId} {denial.ClientIp}").Should().Equal(found);
    }

    [Fact]
    public void By_default_a_query_finds_at_most_100()
    {
        for (uint number = 0; number < DenialTable.MostRows; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(number));
        }

        _traffic.Traffic.ReadDenials(new DenialQuery()).Should().HaveCount(100);
        ((Action)(() => _traffic.Traffic.ReadDenials(null!))).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void A_key_that_was_not_denied_has_no_denials_and_no_totals()
    {
        _traffic.Deny(Key, Client);

        _traffic.DenialsOf("other").Should().BeEmpty();
        _traffic.Traffic.ReadTotals("other").Should().Be(new DenialTotals { Denied = 0, WouldDeny = 0 });
        _traffic.Traffic.ReadTotals(null).Should().Be(new DenialTotals { Denied = 1, WouldDeny = 0 });
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(3_600, true)]
    [InlineData(3_601, false)]
    public void A_denial_is_recent_for_one_hour_after_its_last_time(int secondsLater, bool isRecent)
    {
        _traffic.Deny(Key, Client);
        _traffic.Time.Advance(TimeSpan.FromHours(5));
        _traffic.Deny(Key, Client);
        _traffic.Time.Advance(TimeSpan.FromSeconds(secondsLater));

        WasRecentlyDenied("198.51.100.9").Should().Be(isRecent);
        WasRecentlyDenied("::ffff:198.51.100.9").Should().Be(isRecent);
    }

    [Fact]
    public void A_denial_stays_recent_when_the_clock_is_set_back()
    {
        var time = new AdjustableTime { Now = ObservedTraffic.Start };
        using var clock = new CoarseClock(time);
        var record = new DenialRecord(clock);
        record.Add(new DefaultHttpContext(), ObservedTraffic.Denied(Key, Client));

        time.Set(ObservedTraffic.Start.AddSeconds(-1));

        clock.Now.Should().Be((uint)ObservedTraffic.Start.ToUnixTimeSeconds() - 1);
        record.WasDenied(Key, IPAddress.Parse("198.51.100.9"), time.Now.AddHours(-1)).Should().BeTrue();
    }

    [Fact]
    public void Only_a_real_denial_of_this_key_because_of_its_list_is_a_recent_denial_of_the_address()
    {
        _traffic.Deny("other", Client);
        _traffic.Deny(Key, Client, isReportOnly: true);
        _traffic.Deny(Key, Client, list: IpAddressSet.Unreadable);
        _traffic.Deny(Key, ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1));
        _traffic.Deny(Key, ObservedTraffic.From("198.51.100.10"));

        WasRecentlyDenied("198.51.100.9").Should().BeFalse();
        WasRecentlyDenied("::").Should().BeFalse();
        WasRecentlyDenied("198.51.100.10").Should().BeTrue();
    }

    /// <summary>As recovery asks.</summary>
    private bool WasRecentlyDenied(string address) =>
        _traffic.Denials.WasDenied(Key, IPAddress.Parse(address), _traffic.Time.GetUtcNow().AddHours(-1));

    /// <summary>A system clock that is set, unlike a fake clock that only advances.</summary>
    private sealed class AdjustableTime : TimeProvider
    {
        private Action? _tick;

        public required DateTimeOffset Now { get; set; }

        public void Set(DateTimeOffset now)
        {
            Now = now;
            _tick!();
        }

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _tick = () => callback(state);
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
