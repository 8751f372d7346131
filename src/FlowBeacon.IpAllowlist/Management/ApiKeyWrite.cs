namespace FlowBeacon.IpAllowlist.Management;

/// <summary>One key of a change.</summary>
public sealed record ApiKeyWrite
{
    /// <summary>The new state of the key. Its <see cref="ApiKeyDetails.Revision"/> is ignored: the repository sets it.</summary>
    public required ApiKeyDetails Details { get; init; }

    /// <summary>The version it was read at; 0 for a key that must not exist yet.</summary>
    public required long ExpectedVersion { get; init; }
}
