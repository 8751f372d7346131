namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The effect of a change that is not made.</summary>
public sealed record ApiKeyPreview
{
    /// <summary>The key as it is now. To make exactly the previewed change, pass its version.</summary>
    public required ApiKeyDetails Before { get; init; }

    /// <summary>The key as requests would see it after the change.</summary>
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

    /// <summary>Warnings: parts of the change that are allowed but probably a mistake.</summary>
    public IReadOnlyList<ApiKeyWarning> Warnings { get; init; } = [];
}
