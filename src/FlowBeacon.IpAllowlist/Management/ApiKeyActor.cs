namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Who makes a change, for the audit trail.</summary>
/// <param name="Kind">The kind of caller.</param>
/// <param name="Id">The user's or key's id; never a raw key.</param>
/// <param name="Address">The client address in canonical text; null if unknown.</param>
public sealed record ApiKeyActor(ApiKeyActorKind Kind, string Id, string? Address);
