namespace FlowBeacon.IpAllowlist;

/// <summary>Added successful uses of a key from one address, or without a usable one.</summary>
public sealed record SourceChange
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>
    /// The address. <see cref="SourceSeen.Count"/> is how many uses were added; it may be 0 where only
    /// <see cref="SourceSeen.LastSeen"/> changed, because many uses are counted by sampling. <see cref="SourceSeen.FirstSeen"/> may lie
    /// before earlier batches: keep the earliest, and the latest <see cref="SourceSeen.LastSeen"/>.
    /// </summary>
    public required SourceSeen Source { get; init; }
}
