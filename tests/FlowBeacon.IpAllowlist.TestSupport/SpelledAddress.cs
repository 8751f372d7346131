using System.Net;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>An address: one of its spellings, and its 128 bits as 32 lower-case hex digits, an IPv4 address in its mapped form.</summary>
internal sealed record SpelledAddress(string Text, string Hex)
{
    public bool IsIPv4 => Hex.StartsWith("00000000000000000000ffff", StringComparison.Ordinal);

    /// <summary>The address in the family it is held in.</summary>
    public IPAddress Address => new(Convert.FromHexString(IsIPv4 ? Hex[24..] : Hex));

    /// <summary>The address in 16 bytes, an IPv4 address in its mapped form.</summary>
    public IPAddress Address128 => new(Convert.FromHexString(Hex));
}
