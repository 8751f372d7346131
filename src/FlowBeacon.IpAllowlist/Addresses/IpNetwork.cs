using System.Globalization;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>A CIDR network (RFC 4632 §3.1, RFC 4291 §2.3) of one family; a single address is a network with the longest prefix.</summary>
/// <remarks>
/// The framework's <see cref="System.Net.IPNetwork"/> is wrong for some IPv6 networks and mapped addresses on .NET 10
/// (dotnet/runtime#131861).
/// </remarks>
/// <param name="Start">The first address; no bit outside of the mask is set.</param>
/// <param name="Mask">The bits of the prefix, over 128 bits: those of an IPv4 network cover the mapped form.</param>
internal readonly record struct IpNetwork(IpAddressValue Start, UInt128 Mask)
{
    public bool IsAddress => Mask == UInt128.MaxValue;

    public IpAddressValue Last => new(Start.Bits | ~Mask);

    public static IpNetwork Of(IpAddressValue address) => new(address, UInt128.MaxValue);

    /// <summary>The network of an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">Over 128 bits: 1 to 128, and from 97 for an IPv4 address.</param>
    public static IpNetwork Around(IpAddressValue address, int prefixLength)
    {
        UInt128 mask = UInt128.MaxValue << (128 - prefixLength);
        return new(new(address.Bits & mask), mask);
    }

    // The family must match: a short IPv6 prefix such as ::/8 also covers the mapped form, but means no IPv4 address.
    public bool Contains(IpAddressValue address) => (address.Bits & Mask) == Start.Bits && address.IsIPv4 == Start.IsIPv4;

    public bool Contains(IpNetwork other) => other.Mask >= Mask && Contains(other.Start);

    /// <summary>The canonical text: of an address without a prefix length.</summary>
    public override string ToString()
    {
        int length = (int)UInt128.PopCount(Mask) - (Start.IsIPv4 ? 96 : 0);
        return IsAddress ? Start.ToString() : string.Create(CultureInfo.InvariantCulture, $"{Start}/{length}");
    }
}
