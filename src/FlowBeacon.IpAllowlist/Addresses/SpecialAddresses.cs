namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Addresses with a special meaning (IANA special-purpose address registries, RFC 6890).</summary>
internal static class SpecialAddresses
{
    private static readonly IpNetworkSet PrivateOrLoopback = Networks(
        "127.0.0.0/8", "::1",                                   // loopback: RFC 1122 §3.2.1.3, RFC 4291 §2.5.3
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",        // RFC 1918
        "100.64.0.0/10",                                        // carrier-grade NAT: RFC 6598
        "169.254.0.0/16", "fe80::/10",                          // link-local: RFC 3927, RFC 4291 §2.5.6
        "fc00::/7");                                            // unique local: RFC 4193

    private static readonly IpNetworkSet Documentation = Networks(
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",    // RFC 5737
        "2001:db8::/32", "3fff::/20");                          // RFC 3849, RFC 9637

    private static readonly IpNetworkSet Multicast = Networks("224.0.0.0/4", "ff00::/8");     // RFC 5771, RFC 4291 §2.7

    private static readonly IpNetworkSet Unspecified = Networks("0.0.0.0", "::");             // RFC 1122 §3.2.1.3, RFC 4291 §2.5.2

    public static bool IsPrivateOrLoopback(IpAddressValue address) => PrivateOrLoopback.Contains(address);

    /// <summary>Why no request can come from an address; null if one can.</summary>
    public static string? WhyNeverAClient(IpAddressValue address) =>
        Unspecified.Contains(address) ? "is the unspecified address, not a wildcard"
        : Multicast.Contains(address) ? "is a multicast address"
        : address.IsIPv4 && address.IPv4Bits == uint.MaxValue ? "is the broadcast address"
        : Documentation.Contains(address) ? "is reserved for documentation"
        : null;

    private static IpNetworkSet Networks(params string[] networks) => IpNetworkSet.Parse(networks, "", out _);
}
