namespace FlowBeacon.IpAllowlist.Management;

/// <summary>One key of a change.</summary>
/// <param name="Details">The key as it shall be.</param>
/// <param name="ExpectedVersion">The version it was read at; 0 for a key that must not exist yet.</param>
public sealed record ApiKeyWrite(ApiKeyDetails Details, long ExpectedVersion);
