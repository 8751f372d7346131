using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Requests go on while batches are taken, given up and taken again.</summary>
public sealed class LocalTrafficConcurrencyTests
{
    private const int Threads = 4;

    /// <summary>Reached by a deadlock only.</summary>
    private static readonly TimeSpan Forever = TimeSpan.FromMinutes(1);

    [Fact]
    public void No_denial_is_lost_or_taken_twice_while_more_keys_are_denied_than_are_held()
    {
        const int Each = 60_000;
        const int Keys = DenialRecord.MostKeys + 100;
        using var traffic = new ObservedTraffic();
        var totals = new Dictionary<string, long>();
        long rows = 0;

        RunWhileTaking(
            traffic,
            thread =>
            {
                for (int number = 0; number < Each; number++)
                {
                    traffic.Deny($"key {((number * 7) + thread) % Keys}", ObservedTraffic.From((uint)number % 300), number % 2 == 0);
                }
            },
            changes =>
            {
                rows += changes.Denials.Sum(row => row.Count);
                foreach (DenialTotalsChange total in changes.Totals)
                {
                    totals[total.KeyId] = totals.GetValueOrDefault(total.KeyId) + total.Denied + total.WouldDeny;
                }
            });

        Dictionary<string, long> expected = Enumerable.Range(0, Threads)
            .SelectMany(thread => Enumerable.Range(0, Each).Select(number => $"key {((number * 7) + thread) % Keys}"))
            .GroupBy(key => key).ToDictionary(group => group.Key, group => (long)group.Count());
        totals.Should().BeEquivalentTo(expected);
        rows.Should().BePositive().And.BeLessThanOrEqualTo(Threads * Each);
    }

    [Fact]
    public void No_row_and_no_source_is_lost_or_taken_twice_as_long_as_there_is_room()
    {
        const int Each = 40_000;
        const int Addresses = 60;
        using var traffic = new ObservedTraffic();
        var denials = new Dictionary<string, long>();
        var sources = new Dictionary<string, long>();

        RunWhileTaking(
            traffic,
            _ =>
            {
                for (int number = 0; number < Each; number++)
                {
                    traffic.Deny("key", ObservedTraffic.From((uint)(number % Addresses)));
                    traffic.Use("key", ObservedTraffic.From((uint)(number % Addresses)));
                }
            },
            changes =>
            {
                Add(denials, changes.Denials.Select(row => (row.ClientIp!, row.Count)));
                Add(sources, changes.Sources.Select(change => (change.Source.ClientIp!, change.Source.Count)));
                changes.Losses.Should().BeEmpty();
            });

        denials.Should().BeEquivalentTo(traffic.DenialsOf("key").ToDictionary(row => row.ClientIp!, row => row.Count));
        denials.Values.Sum().Should().Be(Threads * Each);
        sources.Should().BeEquivalentTo(
            traffic.Traffic.ReadSources("key").Sources.ToDictionary(source => source.ClientIp!, source => source.Count));

        static void Add(Dictionary<string, long> sums, IEnumerable<(string Address, long Count)> added)
        {
            foreach ((string address, long count) in added)
            {
                sums[address] = sums.GetValueOrDefault(address) + count;
            }
        }
    }

    /// <summary>Takes small batches as fast as it goes, delivers and confirms at every third try, and takes the rest at the end.</summary>
    private static void RunWhileTaking(ObservedTraffic traffic, Action<int> run, Action<TrafficChanges> deliver)
    {
        traffic.Local.TakeChanges(1).Should().BeNull("taking begins before the first request");
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() => run(number)) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        int taken = 0;
        while (threads.Any(thread => thread.IsAlive))
        {
            if (traffic.Local.TakeChanges(50) is { } changes && taken++ % 3 == 0)
            {
                deliver(changes);
                traffic.Local.Confirm(changes);
            }
        }

        threads.Should().OnlyContain(thread => thread.Join(Forever));
        taken.Should().BeGreaterThan(10, "batches are taken while requests go on");
        while (traffic.Local.TakeChanges(1_000) is { } changes)
        {
            deliver(changes);
            traffic.Local.Confirm(changes);
        }
    }
}
