namespace FlowBeacon.IpAllowlist.Management;

/// <summary>One key of a change.</summary>
public sealed record ApiKeyWrite
{
    /// <summary>The key as it shall be. Its <see cref="ApiKeyDetails.Revision"/> is not looked at: the repository sets it.</summary>
    public required ApiKeyDetails Details { get; init; }

    /// <summary>The version it was read at; 0 for a key that must not exist yet.</summary>
    public required long ExpectedVersion { get; init; }
}
