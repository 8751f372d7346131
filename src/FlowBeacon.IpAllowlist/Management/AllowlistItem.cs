using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// An entry of a list in a request: an address or a range, optionally with a note and an expiry. A text converts to an item without
/// either: <c>AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = "198.51.100.9", Note = "Berlin office" }]</c>.
/// </summary>
public sealed record AllowlistItem
{
    /// <summary>
    /// One IPv4 or IPv6 address, or a CIDR range where <see cref="IpAllowlistOptions.AllowCidrRanges"/> is set or the list has that range
    /// already.
    /// </summary>
    public required string Ip { get; init; }

    /// <summary>
    /// A note about the entry for people: at most <see cref="ApiKeyLimits.MaxNoteLength"/> characters, by the rules of
    /// <see cref="NewApiKey.Name"/>; null or empty for none.
    /// </summary>
    public string? Note { get; init; }

    /// <summary>
    /// The instant from which the entry no longer allows its addresses, in the future unless unchanged; null for never. An expired entry
    /// stays on the list.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>
    /// Whether an entry that is already on the list keeps its note and its expiry: <see cref="Note"/> and <see cref="ExpiresAt"/> are
    /// then ignored. Otherwise they replace those of the entry.
    /// </summary>
    public bool KeepsNoteAndExpiry { get; init; }

    /// <summary>An item from a text: an existing entry keeps its note and its expiry.</summary>
    /// <param name="ip">The address or range.</param>
    public static implicit operator AllowlistItem(string ip) => FromString(ip);

    /// <summary>An item from a text: an existing entry keeps its note and its expiry.</summary>
    /// <param name="ip">The address or range.</param>
    /// <returns>The item.</returns>
    public static AllowlistItem FromString(string ip) => new() { Ip = ip, KeepsNoteAndExpiry = true };

    /// <summary>The address or range only, bounded and escaped: it may be any text, even a raw key.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => PrintableText.Cut(Ip);
}
