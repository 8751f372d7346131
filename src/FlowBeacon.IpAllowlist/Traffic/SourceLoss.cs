namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Sources of a key were evicted from the record of a process before they were taken, and are lost. Treat it as
/// <see cref="ApiKeySources.EvictedUntil"/>.
/// </summary>
public sealed record SourceLoss
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>When the newest of them was last seen, to the second.</summary>
    public required DateTimeOffset Until { get; init; }
}
