using System.Net;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key to create.</summary>
public sealed record NewApiKey
{
    /// <summary>
    /// The key's id: <c>key_</c> and 32 lowercase hex digits; null for a new one. Set it (<see cref="ApiKeyManager.NewId"/>) to be able to
    /// repeat a creation whose answer was lost, on any node: if the key exists already, the repetition is a conflict, not a second key.
    /// </summary>
    public string? Id { get; init; }

    /// <summary>
    /// 1 to 100 characters, unique (without case) among keys that are not revoked. It is kept in composed form (NFC, UAX #15). Control,
    /// format, private-use, unassigned and invisible characters are refused, and so is text that looks like a raw key.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>
    /// A description for people: at most 500 characters in one line, with the same characters refused as in a name; null or empty for none.
    /// </summary>
    public string? Description { get; init; }

    /// <summary>The allowed addresses, as texts or with a note and an expiry; an empty list turns the check off for this key.</summary>
    public required IReadOnlyList<AllowlistItem> AllowedIps { get; init; }

    /// <summary>What the key may do: some of <see cref="ApiKeyManager.Scopes"/>.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>When the key stops working, in the future; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the list is enforced or only reported on.</summary>
    public AllowlistMode AllowlistMode { get; init; }

    /// <summary>Whether this is a break-glass key: no list, and no scope but <see cref="ApiKeyScopes.GovernanceRead"/>.</summary>
    public bool IsBreakGlass { get; init; }

    /// <summary>
    /// The peer address of the administration request, if that had an X-Forwarded-For header: probably the host's own proxy, so an entry
    /// with this address causes a warning. Null if it does not apply.
    /// </summary>
    public IPAddress? ProxyAddress { get; init; }
}
