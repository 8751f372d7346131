namespace FlowBeacon.IpAllowlist;

/// <summary>The list that would have admitted what was seen of a key, with what to know before it is set.</summary>
public sealed record AllowlistSuggestion
{
    /// <summary>What to do.</summary>
    public required AllowlistAdvice Advice { get; init; }

    /// <summary>The settled addresses, in canonical text; empty unless the advice is <see cref="AllowlistAdvice.Allowlist"/>.</summary>
    public required IReadOnlyList<string> AllowedIps { get; init; }

    /// <summary>
    /// Addresses that appeared only recently and are therefore not in <see cref="AllowedIps"/>: find out whose they are first.
    /// </summary>
    public required IReadOnlyList<SourceSeen> NewSources { get; init; }

    /// <summary>Whether the whole window was watched and nothing was left out.</summary>
    public required bool IsConfident { get; init; }

    /// <summary>What else to know, for people.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
