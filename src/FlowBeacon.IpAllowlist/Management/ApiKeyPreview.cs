namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What a change would do. Nothing is written.</summary>
public sealed record ApiKeyPreview
{
    /// <summary>The key as it is. To make the change that was previewed and no other, name its version.</summary>
    public required ApiKeyDetails Before { get; init; }

    /// <summary>The key as it would be for requests.</summary>
    public required ApiKey After { get; init; }

    /// <summary>
    /// The traffic in use that the change would cut off; null if there is none. An update with one, and the end of a grace period, is
    /// refused unless the risk is accepted; nothing else is.
    /// </summary>
    public LockoutRisk? LockoutRisk { get; init; }

    /// <summary>
    /// The last use of the old secret, however long ago, where the change ends its grace period; null if none is known, and for any other
    /// change.
    /// </summary>
    public SecretUse? OldSecret { get; init; }

    /// <summary>What is legal about the change and probably not meant.</summary>
    public IReadOnlyList<ApiKeyWarning> Warnings { get; init; } = [];
}
