using System.Net;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key to create.</summary>
public sealed record NewApiKey
{
    /// <summary>
    /// The key's id, see <see cref="ApiKeyManager.NewId"/>: whoever chooses it can repeat a creation whose answer was lost, on any node,
    /// and is told of the conflict instead of making a second key. <c>key_</c> and 32 lowercase hex digits; null for a new one.
    /// </summary>
    public string? Id { get; init; }

    /// <summary>
    /// 1 to 100 characters, unique (without case) among keys that are not revoked. It is kept in composed form (NFC, UAX #15). Refused are
    /// control, format and other invisible characters, those without a fixed meaning, and what looks like a raw key.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>
    /// What people should know about the key: at most 500 characters in one line, of which the same are refused as in a name; null or empty
    /// for nothing.
    /// </summary>
    public string? Description { get; init; }

    /// <summary>The allowed addresses, as texts or with a note and an expiry; an empty list turns the check off for this key.</summary>
    public required IReadOnlyList<AllowlistItem> AllowedIps { get; init; }

    /// <summary>What the key may do: some of <see cref="ApiKeyManager.Scopes"/>.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>When the key stops working, in the future; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the list is enforced or only rehearsed.</summary>
    public AllowlistMode AllowlistMode { get; init; }

    /// <summary>Whether this is a break-glass key: no list, and no scope but <see cref="ApiKeyScopes.GovernanceRead"/>.</summary>
    public bool IsBreakGlass { get; init; }

    /// <summary>
    /// Where the request to administer keys connected from, if it named its client in an X-Forwarded-For header: probably the host's own
    /// proxy, so an entry that is this address is warned of. Null if it does not apply.
    /// </summary>
    public IPAddress? ProxyAddress { get; init; }
}
