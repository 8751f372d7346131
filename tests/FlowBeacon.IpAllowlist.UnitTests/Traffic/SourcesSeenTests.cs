using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Which sources of which keys are remembered, and which leave when there are too many.</summary>
public sealed class SourcesSeenTests
{
    private const string Key = "key";

    [Fact]
    public void Shows_each_address_with_where_it_came_from_its_times_and_count_the_last_seen_first()
    {
        using var traffic = new ObservedTraffic();
        traffic.Use(Key, ObservedTraffic.From("198.51.100.9"));
        Later(traffic);
        traffic.Use(Key, ClientIp.Forwarded(ObservedTraffic.From("2001:db8::9").Address, hop: 2));
        traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1));
        Later(traffic);
        traffic.Use(Key, ObservedTraffic.From("198.51.100.9"));
        traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnknownPeer));

        DateTimeOffset start = ObservedTraffic.Start;
        traffic.Traffic.ReadSources(Key).Should().BeEquivalentTo(
            new ApiKeySources
            {
                Sources =
                [
                    Seen("198.51.100.9", ClientIpOrigin.Peer, start, start.AddSeconds(2), 2),
                    Seen("2001:db8::9", ClientIpOrigin.ForwardedFor, start.AddSeconds(1), start.AddSeconds(1), 1),
                ],
                WithoutAddress = Seen(null, ClientIpOrigin.None, start.AddSeconds(1), start.AddSeconds(2), 2),
                EvictedUntil = (DateTimeOffset?)null,
                WatchingSince = start,
            },
            options => options.WithStrictOrdering());
        traffic.Sources.Cells.Should().Be(3);
    }

    [Fact]
    public void A_key_that_was_not_used_has_no_sources()
    {
        using var traffic = new ObservedTraffic();
        traffic.Use("other", ObservedTraffic.From("198.51.100.9"));

        traffic.Traffic.ReadSources(Key).Should().BeEquivalentTo(new ApiKeySources { Sources = [], WatchingSince = ObservedTraffic.Start });
        ((Action)(() => traffic.Traffic.ReadSources(null!))).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void The_source_that_was_seen_least_recently_leaves_first_and_says_so_to_whoever_holds_it()
    {
        using var traffic = new ObservedTraffic(mostSourcesPerKey: 3);
        SourceCell[] cells = [.. Enumerable.Range(1, 3).Select(number => UseAndWait(traffic, (uint)number))];
        cells[0].Seen(traffic.Clock.Now);
        traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnknownPeer));
        traffic.Traffic.ReadSources(Key).AreOlderEvicted.Should().BeFalse();
        traffic.Traffic.ReadSources("other").AreOlderEvicted.Should().BeFalse();

        UseAndWait(traffic, 4);

        Addresses(traffic, Key).Should().BeEquivalentTo("0.0.0.1", "0.0.0.3", "0.0.0.4");
        cells.Select(cell => cell.IsEvicted).Should().Equal(false, true, false);
        traffic.Traffic.ReadSources(Key).AreOlderEvicted.Should().BeTrue();
        traffic.Traffic.ReadSources(Key).WithoutAddress.Should().NotBeNull("it takes no address's place");
        traffic.Traffic.ReadSources("other").AreOlderEvicted.Should().BeFalse("it is another key");
        traffic.Sources.Cells.Should().Be(4);

        traffic.Use(Key, ObservedTraffic.From(2)).Should().NotBeSameAs(cells[1]);
        Addresses(traffic, Key).Should().BeEquivalentTo("0.0.0.1", "0.0.0.2", "0.0.0.4");
        traffic.Traffic.ReadSources(Key).Sources.Single(source => source.ClientIp == "0.0.0.2").Count.Should().Be(1, "it is a newcomer");
    }

    [Fact]
    public void When_all_keys_together_have_too_many_those_that_were_used_least_recently_make_room_for_a_tenth()
    {
        // One place more than is used, so that nothing is trimmed in the background before the test does.
        using var traffic = new ObservedTraffic(mostSources: 101);
        for (int key = 0; key < 25; key++)
        {
            for (uint source = 0; source < 4; source++)
            {
                UseAndWait(traffic, source, $"key-{key}");
            }
        }

        SourceCell first = UseAndWait(traffic, 0, "key-0");
        SourceCell second = traffic.Sources.Of("key-1")!.Cells[0];
        traffic.Sources.Cells.Should().Be(100);

        traffic.Sources.Trim();

        string[] dropped = ["key-1", "key-2", "key-3"];
        traffic.Sources.Cells.Should().Be(88);
        traffic.Sources.ByKey.Select(key => key.Key)
            .Should().BeEquivalentTo(Enumerable.Range(0, 25).Select(key => $"key-{key}").Except(dropped));
        first.IsEvicted.Should().BeFalse();
        second.IsEvicted.Should().BeTrue();
        foreach (string key in dropped)
        {
            traffic.Traffic.ReadSources(key).Sources.Should().BeEmpty();
            traffic.Traffic.ReadSources(key).AreOlderEvicted.Should().BeTrue();
            UseAndWait(traffic, 7, key);
            Addresses(traffic, key).Should().Equal("0.0.0.7");
            traffic.Traffic.ReadSources(key).AreOlderEvicted.Should().BeTrue("what was dropped does not come back");
        }

        traffic.Traffic.ReadSources("key-0").AreOlderEvicted.Should().BeFalse("all of its sources are still there");
    }

    [Fact]
    public void While_there_is_room_nothing_is_trimmed()
    {
        using var traffic = new ObservedTraffic(mostSources: 10);
        for (uint source = 0; source < 9; source++)
        {
            UseAndWait(traffic, source, $"key-{source}");
        }

        traffic.Sources.Trim();

        traffic.Sources.ByKey.Should().HaveCount(9);
    }

    /// <summary>A request that finds no room has some made in the background, so it is not kept from going on.</summary>
    [Fact]
    public async Task Whoever_finds_no_room_is_remembered_once_there_is_some()
    {
        using var traffic = new ObservedTraffic(mostSources: 20);
        for (uint source = 0; source < 200; source++)
        {
            await Eventually.IsTrueAsync(() => UseAndWait(traffic, source, $"key-{source}") is not null, () => $"source {source}");

            traffic.Sources.Cells.Should().BeLessThanOrEqualTo(22);
        }

        traffic.Sources.ByKey.Should().HaveCountLessThanOrEqualTo(22);
    }

    [Fact]
    public void Without_any_room_there_is_no_cell()
    {
        using var traffic = new ObservedTraffic(mostSources: 0);

        traffic.Use(Key, ObservedTraffic.From(1)).Should().BeNull();

        traffic.Sources.ByKey.Should().BeEmpty();
    }

    [Fact]
    public void The_guard_is_told_who_used_the_key_since_an_instant()
    {
        using var traffic = new ObservedTraffic();
        UseAndWait(traffic, 1);
        UseAndWait(traffic, 2);
        UseAndWait(traffic, 3);
        traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnknownPeer));

        uint since = (uint)ObservedTraffic.Start.ToUnixTimeSeconds() + 1;

        traffic.Sources.SeenSince(Key, since).Select(cell => cell.Client.IsKnown ? cell.Address.ToString() : "none")
            .Should().BeEquivalentTo("0.0.0.2", "0.0.0.3", "none");
        traffic.Sources.SeenSince("other", since).Should().BeEmpty();
    }

    private static SourceCell UseAndWait(ObservedTraffic traffic, uint source, string key = Key)
    {
        SourceCell? cell = traffic.Use(key, ObservedTraffic.From(source));
        Later(traffic);
        return cell!;
    }

    private static void Later(ObservedTraffic traffic) => traffic.Time.Advance(TimeSpan.FromSeconds(1));

    private static IEnumerable<string?> Addresses(ObservedTraffic traffic, string key) =>
        traffic.Traffic.ReadSources(key).Sources.Select(source => source.ClientIp);

    private static SourceSeen Seen(string? clientIp, ClientIpOrigin origin, DateTimeOffset first, DateTimeOffset last, long count) =>
        new() { ClientIp = clientIp, ClientIpOrigin = origin, FirstSeen = first, LastSeen = last, Count = count };
}
