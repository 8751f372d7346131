namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The author of a change, for the audit trail.</summary>
public sealed record ApiKeyActor
{
    /// <summary>The kind of caller.</summary>
    public required ApiKeyActorKind Kind { get; init; }

    /// <summary>The user's or key's id; never a raw key.</summary>
    public required string Id { get; init; }

    /// <summary>The client address in canonical text; null if unknown.</summary>
    public string? Address { get; init; }
}
