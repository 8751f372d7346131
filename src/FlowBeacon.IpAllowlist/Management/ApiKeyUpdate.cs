using System.Net;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A partial change of a key: members that are null leave the key as it is.</summary>
public sealed record ApiKeyUpdate
{
    /// <summary>The new name, as <see cref="NewApiKey.Name"/> may be.</summary>
    public string? Name { get; init; }

    /// <summary>The new description, as <see cref="NewApiKey.Description"/> may be; an empty one removes it.</summary>
    public string? Description { get; init; }

    /// <summary>
    /// The whole new list; an empty one turns the check off. A text keeps the note and the expiry of the entry that it names.
    /// </summary>
    public IReadOnlyList<AllowlistItem>? AllowedIps { get; init; }

    /// <summary>All the new scopes.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>The new expiry, in the future.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the list is enforced or only reported on.</summary>
    public AllowlistMode? AllowlistMode { get; init; }

    /// <summary>
    /// Whether the key works: false disables it (requests with it get 401), true enables it again. Disabling a key that was used
    /// within the last 24 hours needs <see cref="AcceptLockoutRisk"/>.
    /// </summary>
    public bool? Enabled { get; init; }

    /// <summary>
    /// Whether the change may deny addresses that used the key successfully within the last 24 hours. Otherwise such a change is refused
    /// (<see cref="ApiKeyManagementFault.LockoutRisk"/>), as is one that may deny addresses which are no longer remembered.
    /// </summary>
    public bool AcceptLockoutRisk { get; init; }

    /// <summary>
    /// Whether an empty list may replace a stored one that cannot be read (<see cref="IpAddressSet.Unreadable"/>), so that a key that is
    /// denied from everywhere is admitted from everywhere; otherwise that is refused (<see cref="ApiKeyManagementFault.Conflict"/>).
    /// </summary>
    public bool AcceptUnreadableList { get; init; }

    /// <summary>As <see cref="NewApiKey.ProxyAddress"/>.</summary>
    public IPAddress? ProxyAddress { get; init; }

    /// <summary>Whether the key shall no longer expire. Cannot be combined with <see cref="ExpiresAt"/>.</summary>
    public bool RemoveExpiry { get; init; }
}
