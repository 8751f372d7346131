namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key to create.</summary>
public sealed record NewApiKey
{
    /// <summary>
    /// 1 to 100 characters, unique (without case) among keys that are not revoked. It is kept in composed form (NFC, UAX #15). Refused are
    /// control, format and other invisible characters, those without a fixed meaning, and what looks like a raw key.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The allowed addresses; an empty list turns the check off for this key.</summary>
    public required IReadOnlyList<string> AllowedIps { get; init; }

    /// <summary>What the key may do: some of <see cref="ApiKeyScopes.All"/>.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>When the key stops working, in the future; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the list is enforced or only rehearsed.</summary>
    public AllowlistMode AllowlistMode { get; init; }

    /// <summary>Whether this is a break-glass key: no list, and no scope but <see cref="ApiKeyScopes.GovernanceRead"/>.</summary>
    public bool IsBreakGlass { get; init; }
}
