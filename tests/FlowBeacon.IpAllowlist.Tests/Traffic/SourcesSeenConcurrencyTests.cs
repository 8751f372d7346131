using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Tests.Traffic;

/// <summary>Many requests bring the same and different addresses at once.</summary>
public sealed class SourcesSeenConcurrencyTests
{
    private const int Threads = 4;
    private const int Rounds = 200;

    [Fact]
    public void As_long_as_there_is_room_no_address_and_no_use_is_lost()
    {
        const int Shared = 16;
        const int Own = 12;
        for (int round = 0; round < Rounds; round++)
        {
            using var traffic = new ObservedTraffic(mostSourcesPerKey: Shared + (Threads * Own));

            RunAll(thread =>
            {
                for (int number = 0; number < Shared + Own; number++)
                {
                    traffic.Use("key", ObservedTraffic.From((uint)(number < Shared ? number : (1_000 * (thread + 1)) + number)));
                    traffic.Use("key", ClientIp.Unusable(ClientIpFault.UnknownPeer));
                }
            });

            ApiKeySources seen = traffic.Traffic.ReadSources("key");
            seen.Sources.Select(source => source.Count).Order().Should().Equal(
                Enumerable.Repeat(1L, Threads * Own).Concat(Enumerable.Repeat((long)Threads, Shared)));
            seen.WithoutAddress!.Count.Should().Be(Threads * (Shared + Own));
            seen.AreOlderEvicted.Should().BeFalse();
            traffic.Sources.Cells.Should().Be(Shared + (Threads * Own) + 1);
        }
    }

    [Fact]
    public void There_are_never_more_than_the_bound_and_evicted_cells_are_marked()
    {
        const int Most = 8;
        for (int round = 0; round < Rounds; round++)
        {
            using var traffic = new ObservedTraffic(mostSourcesPerKey: Most);
            var admitted = new SourceCell[Threads][];
            int tooMany = 0;

            RunAll(thread => admitted[thread] = [.. Enumerable.Range(0, 50).Select(number =>
            {
                SourceCell cell = traffic.Use("key", ObservedTraffic.From((uint)((100 * thread) + number)));
                Interlocked.Add(ref tooMany, traffic.Sources.Find("key")!.WithAddress.Count > Most ? 1 : 0);
                return cell;
            })]);

            tooMany.Should().Be(0);
            traffic.Sources.Find("key")!.WithAddress.Should().HaveCount(Most);
            traffic.Sources.Cells.Should().Be(Most);
            admitted.SelectMany(cells => cells).Where(cell => !cell.IsEvicted)
                .Should().BeEquivalentTo(traffic.Sources.Find("key")!.WithAddress);
        }
    }

    [Fact]
    public void The_number_of_cells_stays_right_while_records_are_dropped_under_their_users()
    {
        for (int round = 0; round < Rounds; round++)
        {
            using var traffic = new ObservedTraffic(mostSourcesPerKey: 4, mostSources: 10);
            var admitted = new SourceCell[Threads][];

            RunAll(thread => admitted[thread] = [.. Enumerable.Range(0, 200).Select(number => traffic.Use(
                $"key-{number % 5}",
                number % 7 == 0 ? ClientIp.Unusable(ClientIpFault.UnknownPeer) : ObservedTraffic.From((uint)(number % 11))))]);

            SourceCell[] held = [.. traffic.Sources.ByKey.SelectMany(key => key.Value.All)];
            traffic.Sources.Cells.Should().Be(held.Length).And.BeLessThanOrEqualTo(10);
            held.Should().NotContain(cell => cell.IsEvicted);
            admitted.SelectMany(cells => cells).Where(cell => !cell.IsEvicted).Should().BeSubsetOf(held);
        }
    }

    private static void RunAll(Action<int> run)
    {
        using var start = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            start.SignalAndWait();
            run(number);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }
}
