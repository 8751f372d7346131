using System.Buffers.Binary;
using System.Net;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// One address as 128 bits. An IPv4 address is stored in its IPv4-mapped form (RFC 4291 §2.5.5.2), so all its spellings (dotted, mapped
/// dotted, mapped hex) are the same value, and a comparison takes one step.
/// </summary>
internal readonly record struct IpAddressValue(UInt128 Bits)
{
    private const ulong IPv4MappedPrefix = 0xFFFFUL << 32;

    public bool IsIPv4 => Bits >> 32 == 0xFFFF;

    /// <summary>The 32 bits of an IPv4 address; meaningless unless <see cref="IsIPv4"/>.</summary>
    public uint IPv4Bits => (uint)Bits;

    public static IpAddressValue FromIPv4(uint bits) => new(new UInt128(0, IPv4MappedPrefix | bits));

    /// <summary>Reads a framework address. The scope id of an IPv6 address is left out: it names an interface of one host.</summary>
    public static IpAddressValue From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return written == 4
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return new IPAddress(IsIPv4 ? bytes[12..] : bytes);
    }

    /// <summary>The canonical text: dotted decimal, or IPv6 as in RFC 5952.</summary>
    public override string ToString() => ToIPAddress().ToString();
}
