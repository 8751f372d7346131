using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Many requests are denied at once while people read.</summary>
public sealed class DenialRecordConcurrencyTests
{
    private const int Threads = 4;

    /// <summary>Reached by a deadlock only.</summary>
    private static readonly TimeSpan Forever = TimeSpan.FromMinutes(1);

    [Fact]
    public void Concurrent_denials_and_reads_lose_and_duplicate_nothing()
    {
        const int Each = 200_000;
        string[] keys = ["a", "b", "c"];
        using var traffic = new ObservedTraffic();
        bool isOver = false;
        int reads = 0;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver) || reads == 0)
            {
                traffic.Traffic.ReadDenials(new DenialQuery());
                reads++;
            }
        });
        reader.Start();

        RunAll(thread =>
        {
            IpAllowlistFeature[] denied =
                [
                    .. keys.Select(
                        (key, number) => ObservedTraffic.Denied(key, ObservedTraffic.From((uint)thread), isReportOnly: number == 0)),
                ];
            var context = new DefaultHttpContext();
            for (int number = 0; number < Each; number++)
            {
                traffic.Denials.Add(context, denied[number % denied.Length]);
            }
        });

        Volatile.Write(ref isOver, true);
        reader.Join(Forever).Should().BeTrue();
        long[] totals = [.. keys.Select(key => traffic.Traffic.ReadTotals(key)).Select(total => total.Denied + total.WouldDeny)];
        totals.Should().Equal(
            keys.Select((_, number) => Threads * (long)Enumerable.Range(0, Each).Count(place => place % keys.Length == number)));
        traffic.Traffic.ReadTotals("a").Denied.Should().Be(0);
        traffic.Traffic.ReadTotals("b").WouldDeny.Should().Be(0);
        foreach (string key in keys)
        {
            DenialTotals total = traffic.Traffic.ReadTotals(key);
            traffic.DenialsOf(key).Sum(row => row.Count).Should().Be(total.Denied + total.WouldDeny);
        }
    }

    [Fact]
    public void A_reader_sees_every_denial_that_was_put_on_record_before()
    {
        using var traffic = new ObservedTraffic();
        string[] missed = new string[Threads];

        RunAll(thread =>
        {
            for (int number = 1; number <= 3_000 && missed[thread] is null; number++)
            {
                traffic.Deny($"key-{thread}", ObservedTraffic.From("198.51.100.9"));
                long? seen = traffic.DenialsOf($"key-{thread}").SingleOrDefault()?.Count;
                missed[thread] = seen == number ? null! : $"{seen} of {number}";
            }
        });

        missed.Should().OnlyContain(one => one == null);
    }

    private static void RunAll(Action<int> run)
    {
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() => run(number)) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        threads.Should().OnlyContain(thread => thread.Join(Forever));
    }
}
