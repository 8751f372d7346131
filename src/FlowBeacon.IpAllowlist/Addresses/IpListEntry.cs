namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>An entry of an allowlist in memory.</summary>
/// <param name="Network">The address or network.</param>
/// <param name="Until">Until when it is valid, see <see cref="Expiry"/>.</param>
internal readonly record struct IpListEntry(IpNetwork Network, long Until)
{
    /// <summary>IPv4 first, by first address, and a network before those within it.</summary>
    public static readonly Comparison<IpListEntry> Canonical = (left, right) =>
        left.IsIPv4 != right.IsIPv4 ? right.IsIPv4.CompareTo(left.IsIPv4)
        : left.Network.Start != right.Network.Start ? left.Network.Start.Bits.CompareTo(right.Network.Start.Bits)
        : left.Network.Mask.CompareTo(right.Network.Mask);

    public bool IsIPv4 => Network.Start.IsIPv4;

    /// <summary>Whether it is valid at an instant and expires by a later one.</summary>
    public bool IsExpiring(DateTimeOffset after, DateTimeOffset until) =>
        Until != Expiry.Never && Expiry.IsAhead(Until, after) && !Expiry.IsAhead(Until, until);
}
