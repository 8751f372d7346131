using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// An entry of a list as it is written: an address or a range, alone or with a note and an expiry. A text converts to an item without
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
    /// What people should know about the entry: at most <see cref="ApiKeyLimits.MaxNoteLength"/> characters, by the rules of
    /// <see cref="NewApiKey.Name"/>; null or empty for nothing.
    /// </summary>
    public string? Note { get; init; }

    /// <summary>
    /// The instant from which the entry no longer admits, in the future unless the entry has it already; null for never. An expired entry
    /// stays on the list and denies.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>
    /// Whether an entry that is on the list already keeps its note and its expiry: <see cref="Note"/> and <see cref="ExpiresAt"/> are
    /// then ignored. Otherwise they replace those of the entry.
    /// </summary>
    public bool KeepsNoteAndExpiry { get; init; }

    /// <summary>The item that is a text alone: the entry keeps the note and the expiry that it has.</summary>
    /// <param name="ip">The address or range.</param>
    public static implicit operator AllowlistItem(string ip) => FromString(ip);

    /// <summary>The item that is a text alone: the entry keeps the note and the expiry that it has.</summary>
    /// <param name="ip">The address or range.</param>
    /// <returns>The item.</returns>
    public static AllowlistItem FromString(string ip) => new() { Ip = ip, KeepsNoteAndExpiry = true };

    /// <summary>The address or range alone, bounded and escaped: it may be anything, a raw key included.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => PrintableText.Cut(Ip);
}
