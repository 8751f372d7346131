using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Tests.Support;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Traffic;

/// <summary>
/// A client with a key may forge any number of addresses. The record stays small, and correct about frequent addresses.
/// </summary>
[Collection(nameof(MeasuredAlone))]
public sealed class DenialFloodTests
{
    private const int Forged = 1_000_000;
    private const int Threads = 4;
    private const int BytesForOneKey = 512 * 1024;

    /// <summary>One per cent of all denials: each of the five below makes as many.</summary>
    private const int OnePerCent = 10_600;

    /// <summary>So few between two meetings of the threads that every denial finds room to wait for the writer.</summary>
    private const int Round = 4_000;

    /// <summary>Addresses that matter, and when in the flood, which goes from 0 to 1, each of their denials comes.</summary>
    private static readonly (uint Address, Func<int, double> When)[] Heavy =
    [
        (0xCB00_7101, _ => -1),
        (0xCB00_7102, _ => 2),
        (0xCB00_7103, number => (double)number / OnePerCent),
        (0xCB00_7104, number => 0.05 + (number / (OnePerCent / 10) * 0.1)),
        (0xCB00_7105, number => number % 2 == 0 ? -1 : 2),
    ];

    [Fact]
    public void A_million_forged_addresses_push_out_no_address_that_made_one_per_cent_and_take_no_memory()
    {
        uint[] flood = Flood();
        flood.Length.Should().BeLessThanOrEqualTo(100 * OnePerCent);
        using var traffic = new ObservedTraffic();
        for (uint number = 0; number < DenialTable.MostRows; number++)
        {
            traffic.Deny("other", ObservedTraffic.From(number));
        }

        IReadOnlyList<Denial> other = traffic.DenialsOf("other");
        long before = GC.GetTotalMemory(forceFullCollection: true);

        using var meeting = new Barrier(Threads);
        Thread[] threads =
        [
            .. Enumerable.Range(0, Threads).Select(first => new Thread(() => Deny(traffic.Denials, flood, first, meeting))),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        IReadOnlyList<Denial> rows = traffic.DenialsOf("flooded");
        long retained = GC.GetTotalMemory(forceFullCollection: true) - before;
        retained.Should().BeLessThan(BytesForOneKey);
        rows.Should().HaveCount(DenialTable.MostRows);
        rows.Sum(row => row.Count).Should().Be(flood.Length);
        traffic.Traffic.ReadTotals("flooded").Should().Be(new DenialTotals { Denied = flood.Length, WouldDeny = 0 });
        foreach ((uint address, _) in Heavy)
        {
            Denial row = rows.Should().ContainSingle(row => row.ClientIp == ObservedTraffic.From(address).Address.ToString()).Which;
            row.Count.Should().BeGreaterThanOrEqualTo(OnePerCent);
            (row.Count - row.CountError).Should().BeLessThanOrEqualTo(OnePerCent);
        }

        other.Should().HaveCount(DenialTable.MostRows);
        traffic.DenialsOf("other").Should().Equal(other);
    }

    [Fact]
    public void One_key_too_many_drops_the_key_that_was_denied_least_recently_and_no_other()
    {
        using var traffic = new ObservedTraffic();
        string[] keys = [.. Enumerable.Range(0, DenialRecord.MostKeys).Select(number => $"key-{number}")];
        foreach (string key in keys)
        {
            traffic.Deny(key, ObservedTraffic.From("198.51.100.9"));
            traffic.Time.Advance(TimeSpan.FromSeconds(1));
        }

        traffic.Deny("key-0", ObservedTraffic.From("198.51.100.9"));
        Keys().Should().Equal(keys.Order(StringComparer.Ordinal), "there is room for all of them");
        traffic.Deny("new", ObservedTraffic.From("198.51.100.9"));

        Keys().Should().Equal(keys.Where(key => key != "key-1").Append("new").Order(StringComparer.Ordinal));
        traffic.Traffic.ReadTotals("key-1").Should().Be(new DenialTotals { Denied = 0, WouldDeny = 0 });
        traffic.Traffic.ReadTotals("key-0").Should().Be(new DenialTotals { Denied = 2, WouldDeny = 0 });
        traffic.Traffic.ReadTotals(null).Should().Be(new DenialTotals { Denied = DenialRecord.MostKeys + 1, WouldDeny = 0 });

        IEnumerable<string> Keys() =>
            traffic.Traffic.ReadDenials(new DenialQuery { Limit = int.MaxValue }).Select(denial => denial.KeyId)
                .Order(StringComparer.Ordinal);
    }

    /// <summary>The addresses in the order in which they are denied.</summary>
    private static uint[] Flood()
    {
        double[] times =
        [
            .. Enumerable.Range(0, Forged).Select(number => (double)number / Forged),
            .. Heavy.SelectMany(heavy => Enumerable.Range(0, OnePerCent).Select(heavy.When)),
        ];
        uint[] addresses =
        [
            .. Enumerable.Range(0, Forged).Select(number => 0x0A00_0000 + (uint)number),
            .. Heavy.SelectMany(heavy => Enumerable.Repeat(heavy.Address, OnePerCent)),
        ];
        Array.Sort(times, addresses);
        return addresses;
    }

    private static void Deny(DenialRecord record, uint[] flood, int first, Barrier meeting)
    {
        // Longer than what is kept of it, so that every note holds a text of its own.
        var context = new DefaultHttpContext { Request = { Method = "GET", Path = "/" + new string('x', 200) } };
        ApiKey key = ObservedTraffic.Denied("flooded", default).Key!;
        for (int start = 0; start < flood.Length; start += Round)
        {
            for (int place = start + first; place < Math.Min(start + Round, flood.Length); place += Threads)
            {
                record.Add(context, new IpAllowlistFeature(
                    IpAllowlistOutcome.Denied, key, default, ObservedTraffic.From(flood[place])));
            }

            meeting.SignalAndWait();
        }
    }
}
