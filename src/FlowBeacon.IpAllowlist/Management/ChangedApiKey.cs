namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key after a change.</summary>
public sealed record ChangedApiKey
{
    /// <summary>The key as it is now; as it was if there was nothing to change.</summary>
    public required ApiKeyDetails Details { get; init; }

    /// <summary>
    /// The revision that must be in force on a node for the change to be in force there, see <see cref="ApiKeyDetails.Revision"/>. If
    /// there was nothing to change, that of the change that made the key what it is.
    /// </summary>
    public long Revision => Details.Revision;

    /// <summary>Warnings: parts of the change that are allowed but probably a mistake. Only an update has any.</summary>
    public IReadOnlyList<ApiKeyWarning> Warnings { get; init; } = [];
}
