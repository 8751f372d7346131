using CsCheck;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Any sources, any window: a suggestion holds what was seen, all of it or nothing.</summary>
public sealed class SuggestionProperties
{
    private static readonly DateTimeOffset Now = ObservedTraffic.Start;

    /// <summary>A source by how many minutes ago it was first seen, and for how much of the time since then it went on.</summary>
    private static readonly Gen<SourceSeen> Source = Gen.Select(
        Gen.OneOf(Gen.Int[0, 90], Gen.Int[0, 3_000], Gen.Int[0, 20_000]),
        Gen.OneOf(Gen.Int[0, 100], Gen.Const(100)),
        (minutesAgo, percent) => new SourceSeen
        {
            ClientIp = null,
            ClientIpOrigin = ClientIpOrigin.Peer,
            FirstSeen = Now.AddMinutes(-minutesAgo),
            LastSeen = Now.AddMinutes(-minutesAgo + ((double)minutesAgo * percent / 100)),
            Count = 1 + percent,
        });

    private static readonly Gen<ApiKeySources> Sources = Gen.Select(
        Source.Array[0, 24], Source.Null(), Gen.Frequency((9, Gen.Const(false)), (1, Gen.Const(true))), Gen.Int[0, 20_000],
        (sources, withoutAddress, areOlderEvicted, minutesWatched) => new ApiKeySources
        {
            Sources =
            [
                .. sources.Select((source, number) => source with { ClientIp = ObservedTraffic.From((uint)number).Address.ToString() }),
            ],
            WithoutAddress = withoutAddress,
            EvictedUntil = areOlderEvicted ? Now : null,
            WatchingSince = Now.AddMinutes(-minutesWatched),
        });

    [Fact]
    public void A_list_and_its_new_sources_are_exactly_what_was_seen_in_the_window()
    {
        var advised = new HashSet<(AllowlistAdvice Advice, bool IsConfident)>();
        Gen.Select(Sources, Gen.OneOf(Gen.Int[1, 90], Gen.Int[1, 20_000])).Sample(
            (seen, windowMinutes) =>
            {
                var window = TimeSpan.FromMinutes(windowMinutes);
                SourceSeen[] inWindow = [.. seen.Sources.Where(source => Now - source.LastSeen <= window)];

                AllowlistSuggestion suggestion = SuggestionRules.Suggest(seen, window, Now);

                lock (advised)
                {
                    advised.Add((suggestion.Advice, suggestion.IsConfident));
                }

                (suggestion.Advice == AllowlistAdvice.NothingSeen).Should().Be(inWindow.Length == 0);
                string[] proposed = [.. suggestion.AllowedIps, .. suggestion.NewSources.Select(source => source.ClientIp!)];
                if (suggestion.Advice != AllowlistAdvice.Allowlist)
                {
                    proposed.Should().BeEmpty();
                    return;
                }

                suggestion.AllowedIps.Should().NotBeEmpty("an empty list would turn the check off");
                proposed.Order(StringComparer.Ordinal)
                    .Should().Equal(inWindow.Select(source => source.ClientIp!).Order(StringComparer.Ordinal));
                suggestion.NewSources.All(inWindow.Contains).Should().BeTrue();
                var key = new ApiKey { Id = "key", Hash = default, AllowedIps = IpAddressSet.Parse(proposed) };
                Enumerable.Range(0, 24).Select(number => ObservedTraffic.From((uint)number))
                    .Where(client => key.Judge(client, TimeProvider.System) == IpAllowlistOutcome.Allowed)
                    .Select(client => client.Address.ToString())
                    .Order(StringComparer.Ordinal).Should().Equal(proposed.Order(StringComparer.Ordinal));
            },
            iter: 2_000);

        advised.Should().BeEquivalentTo(
            [
                (AllowlistAdvice.Allowlist, true), (AllowlistAdvice.Allowlist, false),
                (AllowlistAdvice.DoNotAllowlist, false), (AllowlistAdvice.NothingSeen, false),
            ],
            "a sample that leaves one out would prove little");
    }
}
