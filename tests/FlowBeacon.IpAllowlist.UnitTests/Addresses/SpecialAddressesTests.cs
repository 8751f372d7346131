using System.Net;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Addresses with a meaning of their own, by the first and last of each block and their neighbours outside of it.</summary>
public sealed class SpecialAddressesTests
{
    private const string Documentation = "is reserved for documentation";
    private const string Multicast = "is a multicast address";
    private const string Unspecified = "is the unspecified address, not a wildcard";

    /// <summary>A block's first and last address, the one in front of it and the one behind it.</summary>
    public static TheoryData<string, string, string, string> PrivateBlocks => new()
    {
        { "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0" },
        { "::1", "::1", "::", "::2" },
        { "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
        { "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0" },
        { "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0" },
        { "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0" },
        { "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0" },
        { "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::" },
        { "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::" },
    };

    /// <summary>The same of blocks that no client comes from, with the reason.</summary>
    public static TheoryData<string, string, string, string, string> DeadBlocks => new()
    {
        { "0.0.0.0", "0.0.0.0", "::1", "0.0.0.1", Unspecified },
        { "::", "::", "::2", "::1", Unspecified },
        { "224.0.0.0", "239.255.255.255", "223.255.255.255", "240.0.0.0", Multicast },
        { "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::3", Multicast },
        { "255.255.255.255", "255.255.255.255", "255.255.255.254", "0.0.0.1", "is the broadcast address" },
        { "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0", Documentation },
        { "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0", Documentation },
        { "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0", Documentation },
        { "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", Documentation },
        { "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", Documentation },
    };

    [Theory]
    [MemberData(nameof(PrivateBlocks))]
    public void Tells_private_and_loopback_addresses_from_public_ones(string first, string last, string before, string behind)
    {
        SpecialAddresses.IsPrivateOrLoopback(Read(first)).Should().BeTrue();
        SpecialAddresses.IsPrivateOrLoopback(Read(last)).Should().BeTrue();
        SpecialAddresses.IsPrivateOrLoopback(Read(before)).Should().BeFalse();
        SpecialAddresses.IsPrivateOrLoopback(Read(behind)).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(DeadBlocks))]
    public void Explains_why_no_client_has_a_special_address(string first, string last, string before, string behind, string reason)
    {
        SpecialAddresses.WhyNeverAClient(Read(first)).Should().Be(reason);
        SpecialAddresses.WhyNeverAClient(Read(last)).Should().Be(reason);
        SpecialAddresses.WhyNeverAClient(Read(before)).Should().BeNull();
        SpecialAddresses.WhyNeverAClient(Read(behind)).Should().BeNull();
    }

    private static IpAddressValue Read(string address) => IpAddressValue.From(IPAddress.Parse(address));
}
