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
    public void The_least_recently_seen_source_is_evicted_first_and_marked_as_such()
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
    public void When_all_keys_together_have_too_many_the_record_of_a_key_makes_room_that_was_not_used_lately()
    {
        using var traffic = new ObservedTraffic(mostSources: 100);
        for (int key = 0; key < 25; key++)
        {
            for (uint source = 0; source < 4; source++)
            {
                UseAndWait(traffic, source, $"key-{key}");
            }
        }

        SourceCell first = UseAndWait(traffic, 0, "key-0");
        SourceCell second = traffic.Sources.Find("key-1")!.WithAddress[0];
        traffic.Sources.Cells.Should().Be(100, "all is held that there is room for");

        UseAndWait(traffic, 0, "key-25");

        first.IsEvicted.Should().BeFalse("it was used a moment ago");
        second.IsEvicted.Should().BeTrue();
        traffic.Sources.Cells.Should().Be(97);
        traffic.Sources.ByKey.Select(key => key.Key).Should().BeEquivalentTo(
            Enumerable.Range(0, 26).Where(key => key != 1).Select(key => $"key-{key}"));
        traffic.Traffic.ReadSources("key-1").Sources.Should().BeEmpty();
        traffic.Traffic.ReadSources("key-1").AreOlderEvicted.Should().BeTrue();
        UseAndWait(traffic, 7, "key-1");
        Addresses(traffic, "key-1").Should().Equal("0.0.0.7");
        traffic.Traffic.ReadSources("key-1").AreOlderEvicted.Should().BeTrue("what was dropped does not come back");
        traffic.Traffic.ReadSources("key-0").AreOlderEvicted.Should().BeFalse("all of its sources are still there");
    }

    [Fact]
    public void Keys_in_use_stay_although_ever_new_keys_need_room()
    {
        using var traffic = new ObservedTraffic(mostSources: 100);
        string[] inUse = [.. Enumerable.Range(0, 5).Select(key => $"in use {key}")];
        for (uint number = 0; number < 2_000; number++)
        {
            Array.ForEach(inUse, key => traffic.Use(key, ObservedTraffic.From(0)));
            UseAndWait(traffic, number, $"new {number}");
            traffic.Sources.Cells.Should().BeLessThanOrEqualTo(100);
        }

        traffic.Sources.ByKey.Select(key => key.Key).Should().Contain(inUse).And.Contain("new 1999").And.HaveCount(100);
        traffic.Sources.Find(inUse[0])!.WithAddress.Should().ContainSingle().Which.FirstSeen.Should().Be(traffic.Sources.WatchingSince);
    }

    [Fact]
    public void Without_any_room_every_source_is_evicted_at_once()
    {
        using var traffic = new ObservedTraffic(mostSources: 0);

        traffic.Use(Key, ObservedTraffic.From(1)).IsEvicted.Should().BeTrue();

        traffic.Sources.ByKey.Should().BeEmpty();
        traffic.Sources.Cells.Should().Be(0);
        traffic.Traffic.ReadSources(Key).AreOlderEvicted.Should().BeTrue();
    }

    [Fact]
    public void The_last_use_of_each_key_is_that_of_any_source_and_a_key_that_was_not_used_has_none()
    {
        using var traffic = new ObservedTraffic();
        UseAndWait(traffic, 1);
        UseAndWait(traffic, 2);
        UseAndWait(traffic, 1, "other");
        traffic.Use("other", ClientIp.Unusable(ClientIpFault.UnknownPeer));
        UseAndWait(traffic, 1, "not asked for");

        traffic.Traffic.ReadLastUsed(Key, "other", "other", "unknown")
            .Select(last => (last.Key, last.Value.ClientIp is null, last.Value.LastSeen)).Should().BeEquivalentTo(
            [
                (Key, false, ObservedTraffic.Start.AddSeconds(1)),
                ("other", true, ObservedTraffic.Start.AddSeconds(3)),
            ]);
        traffic.Traffic.ReadLastUsed(Key)[Key].Should().Be(
            traffic.Traffic.ReadSources(Key).Sources[0], "the last of its sources comes first");
        traffic.Traffic.ReadLastUsed().Should().BeEmpty();
        ((Action)(() => traffic.Traffic.ReadLastUsed(null!))).Should().Throw<ArgumentNullException>();
    }

    [Theory]
    [InlineData("198.51.100.1", "198.51.100.2")]
    [InlineData("198.51.100.2", "198.51.100.1")]
    [InlineData("198.51.100.2", null)]
    [InlineData(null, "198.51.100.2")]
    public void Of_several_last_uses_in_one_second_always_the_same_one_is_told(string? first, string? second)
    {
        using var traffic = new ObservedTraffic();
        foreach (string? address in new[] { first, second })
        {
            traffic.Use(Key, address is null ? ClientIp.Unusable(ClientIpFault.UnknownPeer) : ObservedTraffic.From(address));
        }

        traffic.Traffic.ReadLastUsed(Key)[Key].ClientIp.Should().Be("198.51.100.2");
    }

    private static SourceCell UseAndWait(ObservedTraffic traffic, uint source, string key = Key)
    {
        SourceCell cell = traffic.Use(key, ObservedTraffic.From(source));
        Later(traffic);
        return cell;
    }

    private static void Later(ObservedTraffic traffic) => traffic.Time.Advance(TimeSpan.FromSeconds(1));

    private static IEnumerable<string?> Addresses(ObservedTraffic traffic, string key) =>
        traffic.Traffic.ReadSources(key).Sources.Select(source => source.ClientIp);

    private static SourceSeen Seen(string? clientIp, ClientIpOrigin origin, DateTimeOffset first, DateTimeOffset last, long count) =>
        new() { ClientIp = clientIp, ClientIpOrigin = origin, FirstSeen = first, LastSeen = last, Count = count };
}
