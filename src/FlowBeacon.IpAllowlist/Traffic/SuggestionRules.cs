using System.Globalization;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>Suggests an allowlist from the sources of a key, or advises against one.</summary>
internal static class SuggestionRules
{
    /// <summary>With a shorter time of use, new addresses cannot be told from known ones.</summary>
    private static readonly TimeSpan MinTimeOfUse = TimeSpan.FromHours(1);

    /// <summary>An address first seen within this time is new.</summary>
    private static readonly TimeSpan MaxAgeOfNew = TimeSpan.FromHours(24);

    /// <summary>The time of use is divided into this many parts. New addresses in each of them mean that addresses keep changing.</summary>
    private const int Parts = 4;

    private const int MinNewPerPart = 2;

    public static AllowlistSuggestion Suggest(ApiKeySources seen, TimeSpan window, DateTimeOffset now)
    {
        SourceSeen[] inWindow = [.. seen.Sources.Where(source => source.LastSeen >= now - window)];
        var notes = new List<string>();
        TimeSpan watched = now - seen.WatchingSince;
        if (watched < window)
        {
            notes.Add($"watched for only {DescribeDuration(watched)} of a window of {DescribeDuration(window)}:"
                + " addresses that are used less often may be missing");
        }

        if (seen.WithoutAddress is { } unknown && unknown.LastSeen >= now - window)
        {
            notes.Add($"{unknown.Count} uses had no usable client address, the last {DescribeDuration(now - unknown.LastSeen)} ago:"
                + " a list would deny them");
        }

        if (inWindow.Length == 0)
        {
            return Result(AllowlistAdvice.NothingSeen, [], []);
        }

        if (ReasonAgainst(seen, inWindow, window, now) is { } reason)
        {
            notes.Insert(0, reason);
            return Result(AllowlistAdvice.DoNotAllowlist, [], []);
        }

        TimeSpan sinceFirst = now - inWindow.Min(source => source.FirstSeen);
        if (sinceFirst < MinTimeOfUse)
        {
            notes.Add($"first used {DescribeDuration(sinceFirst)} ago: too short to tell new addresses from stable ones,"
                + " so check each of them");
        }

        TimeSpan maxAge = sinceFirst < MinTimeOfUse ? TimeSpan.Zero : Min(MaxAgeOfNew, sinceFirst / 2);
        bool IsNew(SourceSeen source) => now - source.FirstSeen < maxAge;
        SourceSeen[] newSources = [.. inWindow.Where(IsNew).OrderByDescending(source => source.FirstSeen)];
        notes.AddRange(newSources.Select(source =>
            $"{source.ClientIp} was first seen {DescribeDuration(now - source.FirstSeen)} ago and is left out:"
            + " add it if you know whose it is"));
        string[] settled = [.. inWindow.Where(source => !IsNew(source)).Select(source => source.ClientIp!)];
        return Result(AllowlistAdvice.Allowlist, IpAddressSet.Parse(settled).ToCanonicalStrings(), newSources);

        AllowlistSuggestion Result(AllowlistAdvice advice, IReadOnlyList<string> allowedIps, IReadOnlyList<SourceSeen> newOnes) => new()
        {
            Advice = advice,
            AllowedIps = allowedIps,
            NewSources = newOnes,
            IsConfident = advice == AllowlistAdvice.Allowlist && notes.Count == newOnes.Count,
            Notes = notes,
        };
    }

    /// <summary>A duration for people, in its largest unit.</summary>
    public static string DescribeDuration(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => Count(time.TotalDays, "day"),
        { TotalHours: >= 2 } => Count(time.TotalHours, "hour"),
        { TotalMinutes: >= 2 } => Count(time.TotalMinutes, "minute"),
        _ => Count(Math.Max(0, time.TotalSeconds), "second"),
    };

    private static string? ReasonAgainst(ApiKeySources seen, SourceSeen[] inWindow, TimeSpan window, DateTimeOffset now)
    {
        if (seen.EvictedUntil >= now - window)
        {
            return $"do not allowlist this key: it was used from more addresses than are remembered ({seen.Sources.Count})."
                + " For rotating egress use another protection; for many fixed addresses, raise MaxSourcesPerKey and watch again";
        }

        DateTimeOffset first = inWindow.Min(source => source.FirstSeen);
        if (now - first < MinTimeOfUse)
        {
            return null;
        }

        int[] newInPart = new int[Parts];
        foreach (SourceSeen source in inWindow)
        {
            newInPart[Math.Min(Parts - 1, (int)((source.FirstSeen - first) / (now - first) * Parts))]++;
        }

        return newInPart.All(count => count >= MinNewPerPart)
            ? $"do not allowlist this key: its addresses keep changing ({inWindow.Length} in {DescribeDuration(now - first)},"
                + " new ones throughout), as with rotating egress. A list would cut it off; protect it with an expiry, narrow scopes and"
                + " rotation, or use a fixed egress address"
            : null;
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static string Count(double number, string unit)
    {
        long whole = (long)number;
        return string.Create(CultureInfo.InvariantCulture, $"{whole} {unit}{(whole == 1 ? "" : "s")}");
    }
}
