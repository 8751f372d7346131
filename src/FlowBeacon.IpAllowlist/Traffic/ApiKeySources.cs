namespace FlowBeacon.IpAllowlist;

/// <summary>The addresses that used a key successfully, as far as they were seen and are remembered.</summary>
public sealed record ApiKeySources
{
    /// <summary>
    /// The addresses, the last seen first. One process remembers at most <see cref="IpAllowlistOptions.MaxSourcesPerKey"/>.
    /// </summary>
    public required IReadOnlyList<SourceSeen> Sources { get; init; }

    /// <summary>Uses that had no usable client address, which a list would deny; null if there were none.</summary>
    public SourceSeen? WithoutAddress { get; init; }

    /// <summary>Whether older sources were evicted for newer ones, so that <see cref="Sources"/> is not complete.</summary>
    public bool AreOlderEvicted => EvictedUntil is not null;

    /// <summary>When the newest evicted source was last seen, to the second; null if none was evicted.</summary>
    public DateTimeOffset? EvictedUntil { get; init; }

    /// <summary>When recording began; earlier uses are unknown.</summary>
    public required DateTimeOffset WatchingSince { get; init; }
}
