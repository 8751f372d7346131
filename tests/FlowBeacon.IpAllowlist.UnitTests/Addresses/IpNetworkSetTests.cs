using System.Net;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Which proxies are trusted, and which texts are refused before any is.</summary>
public sealed class IpNetworkSetTests
{
    /// <summary>An entry, an address inside and an address outside of it.</summary>
    public static TheoryData<string, string, string> Networks { get; } = new()
    {
        { "10.0.0.1", "10.0.0.1", "10.0.0.2" },
        { "2001:db8::1", "2001:db8::1", "2001:db8::2" },
        { "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2" },
        { "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
        { "10.0.0.0/8", "10.0.0.0", "9.255.255.255" },
        { "172.16.0.0/12", "172.31.255.255", "172.32.0.0" },
        { "10.0.0.1/32", "10.0.0.1", "10.0.0.0" },
        { "10.0.0.0/31", "10.0.0.1", "10.0.0.2" },
        { "128.0.0.0/1", "255.255.255.255", "127.255.255.255" },
        { "0.0.0.0/1", "127.255.255.255", "128.0.0.0" },
        { "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
        { "2001:DB8:0:0::/64", "2001:db8::1", "2001:db8:0:1::" },
        { "::1/128", "::1", "::2" },
        { "8000::/1", "ffff::", "7fff::" },
        { "::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0" },
        { "::ffff:a00:0/104", "10.1.2.3", "11.0.0.0" },
        { "::ffff:10.0.0.1/128", "10.0.0.1", "10.0.0.2" },
    };

    /// <summary>
    /// IPv6 entries, however wide, and IPv4 addresses that a comparison of the mapped bits would find in them, and in reverse.
    /// </summary>
    public static TheoryData<string, string> OtherFamily { get; } = new()
    {
        { "::/8", "10.0.0.1" },
        { "::/1", "10.0.0.1" },
        { "::/1", "0.0.0.0" },
        { "::/80", "10.0.0.1" },
        { "::fffe:0:0/95", "10.0.0.1" },
        { "::/96", "10.0.0.1" },
        { "::", "0.0.0.0" },
        { "0.0.0.0/1", "::" },
        { "0.0.0.0/1", "::1" },
        { "10.0.0.0/8", "::10.0.0.1" },
        { "10.0.0.0/8", "64:ff9b::10.0.0.1" },
        { "10.0.0.0/8", "a00::1" },
    };

    /// <summary>A refused entry and what its message must say.</summary>
    public static TheoryData<string, string> Refused { get; } = new()
    {
        { "10.0.0.1/8", "'10.0.0.1/8' has host bits set; write 10.0.0.0/8, or 10.0.0.1 alone" },
        { "10.0.0.1/31", "'10.0.0.1/31' has host bits set; write 10.0.0.0/31, or 10.0.0.1 alone" },
        { "2001:db8::1/32", "'2001:db8::1/32' has host bits set; write 2001:db8::/32, or 2001:db8::1 alone" },
        { "::ffff:10.0.0.1/104", "'::ffff:10.0.0.1/104' has host bits set; write 10.0.0.0/8, or 10.0.0.1 alone" },
        { "0.0.0.0/0", "'0.0.0.0/0' contains every address; list the networks of your proxies" },
        { "10.0.0.1/0", "'10.0.0.1/0' contains every address; list the networks of your proxies" },
        { "::/0", "'::/0' contains every address; list the networks of your proxies" },
        { "::ffff:0:0/96", "'::ffff:0:0/96' contains every address; list the networks of your proxies" },
        { "::ffff:0.0.0.0/95", "'::ffff:0.0.0.0/95' contains every IPv4 address, because the prefix of a mapped address counts 128 bits" },
        { "::ffff:10.0.0.0/8", "'::ffff:10.0.0.0/8' contains every IPv4 address, because the prefix of a mapped address counts 128 bits" },
        { "10.0.0.0/33", "'10.0.0.0/33' has an invalid prefix length; write a number from 1 to 32 after the slash" },
        { "10.0.0.0/128", "'10.0.0.0/128' has an invalid prefix length; write a number from 1 to 32 after the slash" },
        { "::/129", "'::/129' has an invalid prefix length; write a number from 1 to 128 after the slash" },
        { "::ffff:10.0.0.0/129", "'::ffff:10.0.0.0/129' has an invalid prefix length; write a number from 97 to 128 after the slash" },
        { "10.0.0.0/08", "invalid prefix length" },
        { "10.0.0.0/008", "invalid prefix length" },
        { "0.0.0.0/00", "invalid prefix length" },
        { "10.0.0.0/", "invalid prefix length" },
        { "10.0.0.0/-1", "invalid prefix length" },
        { "10.0.0.0/+8", "invalid prefix length" },
        { "10.0.0.0/ 8", "invalid prefix length" },
        { "10.0.0.0/8 ", "invalid prefix length" },
        { "10.0.0.0/8\n", "invalid prefix length" },
        { "10.0.0.0/8\0", "invalid prefix length" },
        { "10.0.0.0/8.0", "invalid prefix length" },
        { "10.0.0.0/0x8", "invalid prefix length" },
        { "10.0.0.0/a", "invalid prefix length" },
        { "10.0.0.0/\u0668", "invalid prefix length" },
        { "10.0.0.0/\uff18", "invalid prefix length" },
        { "10.0.0.0/8/8", "invalid prefix length" },
        { "10.0.0.0//8", "invalid prefix length" },
        { "10.0.0.0/255.0.0.0", "invalid prefix length" },
        { "10.0.0.0/4294967304", "invalid prefix length" },
        { "10/8", "'10/8': '10' is a short form" },
        { "010.0.0.0/8", "'010.0.0.0/8': '010.0.0.0' has a leading zero" },
        { " 10.0.0.0/8", "white space" },
        { "10.0.0.0 /8", "white space" },
        { "[2001:db8::]/32", "brackets" },
        { "fe80::%eth0/64", "zone id" },
        { "/8", "'/8'" },
        { "/", "'/'" },
        { "proxy.example.com", "host name" },
        { "proxy.example.com/24", "host name" },
        { "*", "wildcard" },
        { "10.0.0.1-10.0.0.9", "range" },
        { "10.0.0.1:80", "port" },
        { "10.0.0.1,10.0.0.2", "more than one address" },
        { "", "empty" },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Trusts_the_addresses_of_an_entry_and_no_neighbour(string entry, string inside, string outside)
    {
        IpNetworkSet list = Parse(entry);

        list.Contains(Value(inside)).Should().BeTrue();
        list.Contains(Value(outside)).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(OtherFamily))]
    public void Trusts_no_address_of_the_other_family(string entry, string address) =>
        Parse(entry).Contains(Value(address)).Should().BeFalse();

    [Fact]
    public void Trusts_a_mapped_peer_as_the_IPv4_address() =>
        Parse("10.0.0.0/8").Contains(IpAddressValue.From(IPAddress.Parse("::ffff:10.0.0.1"))).Should().BeTrue();

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_with_place_and_remedy(string entry, string part)
    {
        IpNetworkSet list = IpNetworkSet.Parse(["192.0.2.1", entry], "TrustedProxies", out IReadOnlyList<string> faults);

        faults.Should().ContainSingle().Which.Should().StartWith("TrustedProxies:1: ").And.Contain(part);
        list.Contains(Value("10.0.0.0")).Should().BeFalse();
        list.Contains(Value("::")).Should().BeFalse();
    }

    [Fact]
    public void Collects_every_fault()
    {
        IpNetworkSet.Parse(["10.0.0.1/8", "192.0.2.1", null, "::/0"], "TrustedProxies", out IReadOnlyList<string> faults);

        faults.Should().Equal(
            "TrustedProxies:0: '10.0.0.1/8' has host bits set; write 10.0.0.0/8, or 10.0.0.1 alone",
            "TrustedProxies:2: an entry is empty; remove it or write an address",
            "TrustedProxies:3: '::/0' contains every address; list the networks of your proxies");
    }

    [Fact]
    public void Trusts_no_address_when_empty()
    {
        IpNetworkSet list = Parse();

        list.Contains(Value("0.0.0.0")).Should().BeFalse();
        list.Contains(Value("127.0.0.1")).Should().BeFalse();
        list.Contains(Value("::")).Should().BeFalse();
    }

    [Fact]
    public void Bounds_and_escapes_what_it_quotes()
    {
        IpNetworkSet.Parse([new string('1', 10_000) + "/8", "10.0.0.0/8\r\nforged"], "TrustedProxies", out IReadOnlyList<string> faults);

        faults.Should().HaveCount(2).And.OnlyContain(fault => fault.Length < 1000 && !fault.Contains('\n') && !fault.Contains('\r'));
    }

    [Fact]
    public void Agrees_with_the_framework_on_every_network() =>
        Gen.Select(AddressGen.Spelled, Gen.Int[1, 128], Gen.Int[0, 127], AddressGen.Spelled).Sample(
            (start, length, flipped, other) =>
            {
                IPNetwork network = Network(start, length);
                IpNetworkSet list = Parse(network.ToString());

                foreach (IPAddress probe in new[] { start.Address, network.BaseAddress, Flip(start.Address, flipped), other.Address })
                {
                    list.Contains(IpAddressValue.From(probe)).Should().Be(network.Contains(probe), "{0} is asked for {1}", network, probe);
                }
            },
            iter: 10_000);

    [Fact]
    public void Accepts_a_network_exactly_if_no_host_bit_is_set() =>
        Gen.Select(AddressGen.Spelled, Gen.Int[1, 128]).Sample(
            (address, length) =>
            {
                IPNetwork network = Network(address, length);

                IpNetworkSet.Parse([$"{address.Address}/{network.PrefixLength}"], "TrustedProxies", out IReadOnlyList<string> faults);

                faults.Should().HaveCount(network.BaseAddress.Equals(address.Address) ? 0 : 1);
            },
            iter: 10_000);

    private static IpNetworkSet Parse(params string[] entries)
    {
        var list = IpNetworkSet.Parse(entries, "TrustedProxies", out IReadOnlyList<string> faults);
        faults.Should().BeEmpty();
        return list;
    }

    private static IpAddressValue Value(string text) => IpAddressValue.From(IPAddress.Parse(text));

    private static IPNetwork Network(SpelledAddress address, int length)
    {
        byte[] bytes = address.Address.GetAddressBytes();
        int prefix = ((length - 1) % (bytes.Length * 8)) + 1;
        for (int bit = prefix; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), prefix);
    }

    private static IPAddress Flip(IPAddress address, int bit)
    {
        byte[] bytes = address.GetAddressBytes();
        int at = bit % (bytes.Length * 8);
        bytes[at / 8] ^= (byte)(0x80 >> (at % 8));
        return new IPAddress(bytes);
    }
}
