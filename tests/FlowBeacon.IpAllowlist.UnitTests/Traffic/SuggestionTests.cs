using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>The suggested list of a key and its notes.</summary>
public sealed class SuggestionTests : IDisposable
{
    private const string Key = "key";

    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    private ObservedTraffic _traffic = new();

    /// <summary>Durations, and how people say them.</summary>
    public static TheoryData<double, string> Durations => new()
    {
        { -1, "0 seconds" },
        { 0, "0 seconds" },
        { 1.9, "1 second" },
        { 119, "119 seconds" },
        { 120, "2 minutes" },
        { 7_199, "119 minutes" },
        { 7_200, "2 hours" },
        { 172_799, "47 hours" },
        { 172_800, "2 days" },
        { 864_000, "10 days" },
    };

    public void Dispose() => _traffic.Dispose();

    [Fact]
    public void Settled_addresses_are_the_list()
    {
        Use("2001:DB8::7", "198.51.100.9");
        Advance(days: 8);
        Use("198.51.100.9", "2001:DB8::7");

        Suggest().Should().BeEquivalentTo(
            new AllowlistSuggestion
            {
                Advice = AllowlistAdvice.Allowlist,
                AllowedIps = ["198.51.100.9", "2001:db8::7"],
                NewSources = [],
                IsConfident = true,
                Notes = [],
            },
            options => options.WithStrictOrdering());
    }

    [Fact]
    public void New_addresses_are_listed_apart_the_newest_first()
    {
        Use("198.51.100.9");
        Advance(days: 9);
        Use("203.0.113.66");
        Advance(minutes: 70);
        Use("2001:db8::66");
        Advance(minutes: 20);
        Use("198.51.100.9");

        DateTimeOffset start = ObservedTraffic.Start;
        Suggest().Should().BeEquivalentTo(
            new AllowlistSuggestion
            {
                Advice = AllowlistAdvice.Allowlist,
                AllowedIps = ["198.51.100.9"],
                NewSources = [Seen("2001:db8::66", start.AddDays(9).AddMinutes(70)), Seen("203.0.113.66", start.AddDays(9))],
                IsConfident = true,
                Notes =
                [
                    "2001:db8::66 was first seen 20 minutes ago and is left out: add it if you know whose it is",
                    "203.0.113.66 was first seen 90 minutes ago and is left out: add it if you know whose it is",
                ],
            },
            options => options.WithStrictOrdering());

        static SourceSeen Seen(string clientIp, DateTimeOffset at) =>
            new() { ClientIp = clientIp, ClientIpOrigin = ClientIpOrigin.Peer, FirstSeen = at, LastSeen = at, Count = 1 };
    }

    /// <summary>
    /// How long a key has been in use, and the age from which an address counts as settled: a day, or half of the use so far.
    /// </summary>
    [Theory]
    [InlineData(10 * 24 * 60, 24 * 60)]
    [InlineData(48 * 60, 24 * 60)]
    [InlineData(20 * 60, 10 * 60)]
    [InlineData(60, 30)]
    public void An_address_is_new_for_a_day_or_half_of_the_time_since_the_first_use(int minutesInUse, int minutesNew)
    {
        Use("198.51.100.1");
        Advance(minutes: minutesInUse - minutesNew);
        Use("198.51.100.2");
        Advance(seconds: 1);
        Use("198.51.100.3");
        Advance(minutes: minutesNew, seconds: -1);
        Use("198.51.100.1");

        AllowlistSuggestion suggestion = Suggest();

        suggestion.AllowedIps.Should().Equal("198.51.100.1", "198.51.100.2");
        suggestion.NewSources.Select(source => source.ClientIp).Should().Equal("198.51.100.3");
    }

    [Fact]
    public void Sources_outside_of_the_window_are_left_out()
    {
        Use("198.51.100.1", "198.51.100.2");
        Advance(days: 1);
        Use("198.51.100.2");
        Advance(days: 7);
        Use("198.51.100.3");
        Advance(days: 2);

        Suggest(TimeSpan.FromDays(9)).AllowedIps.Should().Equal("198.51.100.2", "198.51.100.3");
        Suggest(TimeSpan.FromDays(9) - TimeSpan.FromSeconds(1)).AllowedIps.Should().Equal("198.51.100.3");
    }

    [Fact]
    public void A_watch_that_is_shorter_than_the_window_is_noted()
    {
        Use("198.51.100.9");
        Advance(hours: 50);
        Use("198.51.100.9");

        AllowlistSuggestion suggestion = Suggest();
        suggestion.AllowedIps.Should().Equal("198.51.100.9");
        suggestion.IsConfident.Should().BeFalse();
        suggestion.Notes.Should().Equal("watched for only 2 days of a window of 7 days: addresses that are used less often may be missing");

        Suggest(TimeSpan.FromHours(50)).Should().BeEquivalentTo(new { IsConfident = true, Notes = Array.Empty<string>() });
    }

    [Fact]
    public void In_the_first_hour_of_use_no_address_counts_as_new()
    {
        Advance(days: 8);
        Use("198.51.100.1", "198.51.100.2");
        Advance(minutes: 58);
        Use("198.51.100.3");
        Advance(minutes: 2, seconds: -1);

        AllowlistSuggestion suggestion = Suggest();
        suggestion.Should().BeEquivalentTo(new
        {
            Advice = AllowlistAdvice.Allowlist,
            AllowedIps = new[] { "198.51.100.1", "198.51.100.2", "198.51.100.3" },
            NewSources = Array.Empty<SourceSeen>(),
            IsConfident = false,
            Notes = new[] { "first used 59 minutes ago: too short to tell new addresses from stable ones, so check each of them" },
        });

        Advance(seconds: 1);
        Suggest().NewSources.Should().ContainSingle().Which.ClientIp.Should().Be("198.51.100.3");
    }

    [Fact]
    public void Uses_without_an_address_are_noted_if_they_fell_into_the_window()
    {
        Use("198.51.100.9");
        _traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1));
        _traffic.Use(Key, ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1));
        Advance(days: 7);
        Use("198.51.100.9");

        AllowlistSuggestion suggestion = Suggest();
        suggestion.AllowedIps.Should().Equal("198.51.100.9");
        suggestion.IsConfident.Should().BeFalse();
        suggestion.Notes.Should().Equal("2 uses had no usable client address, the last 7 days ago: a list would deny them");

        Advance(seconds: 1);
        Suggest().Should().BeEquivalentTo(new { IsConfident = true, Notes = Array.Empty<string>() });
    }

    [Fact]
    public void A_key_with_more_addresses_than_are_remembered_is_not_to_be_listed()
    {
        Restart(mostSourcesPerKey: 3);
        Use("198.51.100.1", "198.51.100.2", "198.51.100.3");
        Advance(days: 8);
        Use("198.51.100.1", "198.51.100.2", "198.51.100.3");
        Suggest().Advice.Should().Be(AllowlistAdvice.Allowlist, "so far, there is room for them");

        Use("198.51.100.4");

        Suggest().Should().BeEquivalentTo(Refused(
            "do not allowlist this key: it was used from more addresses than are remembered (3). For rotating egress use another "
            + "protection; for many fixed addresses, raise MaxSourcesPerKey and watch again"));

        Advance(days: 8);
        Use("198.51.100.4");
        Suggest().Advice.Should().Be(AllowlistAdvice.Allowlist, "what had to leave was last seen before the window");
    }

    /// <summary>In each quarter of the time since the first use, how many new addresses come; and whether they keep changing.</summary>
    [Theory]
    [InlineData(2, 2, 2, 2, true)]
    [InlineData(9, 3, 2, 5, true)]
    [InlineData(12, 1, 2, 2, false)]
    [InlineData(2, 2, 0, 8, false)]
    [InlineData(12, 9, 9, 1, false)]
    [InlineData(1, 2, 2, 2, false)]
    public void A_key_whose_addresses_keep_changing_is_not_to_be_listed(int first, int second, int third, int fourth, bool areChanging)
    {
        int last = 0;
        foreach (int count in new[] { first, second, third, fourth })
        {
            Use([.. Enumerable.Range(0, count).Select(_ => FormattableString.Invariant($"198.51.100.{++last}"))]);
            Advance(days: 2);
        }

        AllowlistSuggestion suggestion = Suggest(TimeSpan.FromDays(8));

        suggestion.Advice.Should().Be(areChanging ? AllowlistAdvice.DoNotAllowlist : AllowlistAdvice.Allowlist);
        if (areChanging)
        {
            suggestion.Should().BeEquivalentTo(Refused(
                $"do not allowlist this key: its addresses keep changing ({last} in 8 days, new ones throughout), as "
                + "with rotating egress. A list would cut it off; protect it with an expiry, narrow scopes and rotation, or use a fixed "
                + "egress address"));
        }
    }

    [Fact]
    public void Whether_addresses_keep_changing_is_not_judged_in_the_first_hour()
    {
        for (int number = 0; number < 10; number++)
        {
            Use($"198.51.100.{number}");
            Advance(minutes: 6);
        }

        Suggest().Advice.Should().Be(AllowlistAdvice.DoNotAllowlist);

        Restart(mostSourcesPerKey: 64);
        for (int number = 0; number < 10; number++)
        {
            Advance(seconds: number == 0 ? 0 : 359);
            Use($"198.51.100.{number}");
        }

        Advance(minutes: 6);
        Suggest().Advice.Should().Be(AllowlistAdvice.Allowlist);
    }

    [Fact]
    public void Without_traffic_there_is_no_suggestion()
    {
        Use("198.51.100.9");
        Advance(days: 7, seconds: 1);

        Suggest().Should().BeEquivalentTo(Refused() with { Advice = AllowlistAdvice.NothingSeen });
        Suggest(key: "other").Should().BeEquivalentTo(Refused() with { Advice = AllowlistAdvice.NothingSeen });
    }

    [Fact]
    public void A_key_and_a_window_are_a_must()
    {
        ((Action)(() => _traffic.Traffic.Suggest(null!, Week, _traffic.Time))).Should().Throw<ArgumentNullException>();
        ((Action)(() => Suggest(TimeSpan.Zero))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("window");
        ((Action)(() => Suggest(TimeSpan.FromTicks(-1)))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("window");
    }

    [Theory]
    [MemberData(nameof(Durations))]
    public void A_duration_is_said_by_its_largest_unit(double seconds, string words) =>
        SuggestionRules.DescribeDuration(TimeSpan.FromSeconds(seconds)).Should().Be(words);

    private static AllowlistSuggestion Refused(params string[] notes) => new()
    {
        Advice = AllowlistAdvice.DoNotAllowlist,
        AllowedIps = [],
        NewSources = [],
        IsConfident = false,
        Notes = notes,
    };

    private void Restart(int mostSourcesPerKey)
    {
        _traffic.Dispose();
        _traffic = new ObservedTraffic(mostSourcesPerKey);
    }

    private void Use(params string[] addresses)
    {
        foreach (string address in addresses)
        {
            _traffic.Use(Key, ObservedTraffic.From(address));
        }
    }

    private void Advance(int days = 0, int hours = 0, int minutes = 0, int seconds = 0) =>
        _traffic.Time.Advance(new TimeSpan(days, hours, minutes, seconds));

    private AllowlistSuggestion Suggest(TimeSpan? window = null, string key = Key) =>
        _traffic.Traffic.Suggest(key, window ?? Week, _traffic.Time);
}
