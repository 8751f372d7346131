namespace FlowBeacon.IpAllowlist;

/// <summary>A suggested list for a key, based on the traffic seen, with notes to read before it is set.</summary>
public sealed record AllowlistSuggestion
{
    /// <summary>What to do.</summary>
    public required AllowlistAdvice Advice { get; init; }

    /// <summary>The stable addresses, in canonical text; empty unless the advice is <see cref="AllowlistAdvice.Allowlist"/>.</summary>
    public required IReadOnlyList<string> AllowedIps { get; init; }

    /// <summary>
    /// Addresses that appeared only recently and are therefore not in <see cref="AllowedIps"/>: find out whose addresses they are first.
    /// </summary>
    public required IReadOnlyList<SourceSeen> NewSources { get; init; }

    /// <summary>Whether the whole window was observed and no address was left out.</summary>
    public required bool IsConfident { get; init; }

    /// <summary>Notes for people.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
