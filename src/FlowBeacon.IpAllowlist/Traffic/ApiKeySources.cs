namespace FlowBeacon.IpAllowlist;

/// <summary>Where a key was used from successfully, as far as was seen and is remembered.</summary>
public sealed record ApiKeySources
{
    /// <summary>
    /// The addresses, the last seen first. One process remembers at most <see cref="IpAllowlistOptions.MaxSourcesPerKey"/>.
    /// </summary>
    public required IReadOnlyList<SourceSeen> Sources { get; init; }

    /// <summary>Uses that had no usable client address, which a list would deny; null if there were none.</summary>
    public SourceSeen? WithoutAddress { get; init; }

    /// <summary>Whether older sources had to leave for newer ones, so that <see cref="Sources"/> is not all there was.</summary>
    public bool AreOlderEvicted => EvictedUntil is not null;

    /// <summary>When the newest of them was last seen, to the second; null if none had to leave.</summary>
    public DateTimeOffset? EvictedUntil { get; init; }

    /// <summary>Since when it is watched; nothing is known of earlier uses.</summary>
    public required DateTimeOffset WatchingSince { get; init; }
}
