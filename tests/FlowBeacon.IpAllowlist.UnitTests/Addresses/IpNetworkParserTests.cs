namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Which texts are entries of an allowlist where ranges are allowed, and what a person reads about the others.</summary>
public sealed class IpNetworkParserTests
{
    private const string Wider4 = "is wider than allowed; write IPv4 networks with a prefix length of at least 8";
    private const string Wider6 = "is wider than allowed; write IPv6 networks with a prefix length of at least 32";
    private const string Whole4 =
        "contains every IPv4 address, because the prefix of a mapped address counts 128 bits; write an IPv4 network in dotted form";

    /// <summary>An entry and its canonical text.</summary>
    public static TheoryData<string, string> Accepted { get; } = new()
    {
        { "203.0.113.7", "203.0.113.7" },
        { "2001:DB8::7", "2001:db8::7" },
        { "10.0.0.0/8", "10.0.0.0/8" },
        { "0.0.0.0/8", "0.0.0.0/8" },
        { "198.51.100.0/28", "198.51.100.0/28" },
        { "198.51.100.8/29", "198.51.100.8/29" },
        { "198.51.100.8/31", "198.51.100.8/31" },
        { "198.51.100.8/32", "198.51.100.8" },
        { "2001:db8::/32", "2001:db8::/32" },
        { "2001:DB8:0:0::/64", "2001:db8::/64" },
        { "2001:db8:0:1:0:0:0:0/64", "2001:db8:0:1::/64" },
        { "2001:db8::7/128", "2001:db8::7" },
        { "2001:db8::6/127", "2001:db8::6/127" },
        { "64:ff9b::10.0.0.0/104", "64:ff9b::a00:0/104" },
        { "::/32", "::/32" },
        { "::/96", "::/96" },
        { "::ffff:10.0.0.0/104", "10.0.0.0/8" },
        { "::FFFF:A00:0/104", "10.0.0.0/8" },
        { "::ffff:198.51.100.8/125", "198.51.100.8/29" },
        { "::ffff:198.51.100.8/128", "198.51.100.8" },
    };

    /// <summary>A refused entry and its whole message behind the text.</summary>
    public static TheoryData<string, string> Refused { get; } = new()
    {
        { "198.51.100.9/28", "has host bits set; write 198.51.100.0/28, or 198.51.100.9 alone" },
        { "198.51.100.9/31", "has host bits set; write 198.51.100.8/31, or 198.51.100.9 alone" },
        { "2001:db8::7/64", "has host bits set; write 2001:db8::/64, or 2001:db8::7 alone" },
        { "::ffff:198.51.100.9/124", "has host bits set; write 198.51.100.0/28, or 198.51.100.9 alone" },
        { "10.0.0.0/7", Wider4 },
        { "11.0.0.0/7", Wider4 },
        { "0.0.0.0/1", Wider4 },
        { "::ffff:10.0.0.0/103", Wider4 },
        { "::ffff:0:0/97", Wider4 },
        { "2001:db8::/31", Wider6 },
        { "2a00::/13", Wider6 },
        { "::/1", Wider6 },
        { "0.0.0.0/0", "contains every address; list the networks that may use the key" },
        { "10.0.0.1/0", "contains every address; list the networks that may use the key" },
        { "::/0", "contains every address; list the networks that may use the key" },
        { "::ffff:0:0/96", "contains every address; list the networks that may use the key" },
        { "::ffff:0:0/95", Whole4 },
        { "::ffff:10.0.0.0/32", Whole4 },
        { "::ffff:10.0.0.0/8", Whole4 },
        { "10.0.0.0/33", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/104", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "2001:db8::/129", "has an invalid prefix length; write a number from 32 to 128 after the slash" },
        { "::ffff:10.0.0.0/129", "has an invalid prefix length; write a number from 104 to 128 after the slash" },
        { "10.0.0.0/", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/08", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/00", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/-8", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/+8", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/0x8", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/8/8", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0//8", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/255.0.0.0", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/4294967304", "has an invalid prefix length; write a number from 8 to 32 after the slash" },
        { "10.0.0.0/ 8", "contains white space; write one address per entry" },
        { "10.0.0.0 /8", "contains white space; write one address per entry" },
        { " 10.0.0.0/8", "has white space around it; remove it" },
        { "10.0.0.0/8\n", "has white space around it; remove it" },
        { "\"10.0.0.0/8\"", "is in quotes; remove them" },
        { "10.0.0.0/8,10.0.0.0/9", "is more than one address; write one address per entry" },
        { "https://10.0.0.1/", "is a URL; write the address alone" },
        {
            "10.0.0.0/\u0668",
            "contains characters that are not allowed in an address; write digits, dots and colons (a to f in IPv6) in ASCII"
        },
        { "10.0.0.*", "is a wildcard; list each address" },
        { "10.0.0.1-10.0.0.9", "is a range; list each address" },
        { "127.1", "is a short form; write four decimal octets, such as 10.0.0.1" },
    };

    /// <summary>A network whose address is refused, and the part of the message about it.</summary>
    public static TheoryData<string, string> AddressRefused { get; } = new()
    {
        { "10/8", "'10' is a short form" },
        { "10.0.0/24", "'10.0.0' is a short form" },
        { "010.0.0.0/8", "'010.0.0.0' has a leading zero" },
        { "10.0.0.*/24", "'10.0.0.*' is a wildcard" },
        { "[2001:db8::]/32", "'[2001:db8::]' has brackets" },
        { "fe80::%eth0/64", "'fe80::%eth0' has a zone id" },
        { "10.0.0.0:80/8", "'10.0.0.0:80' has a port" },
        { "office.example.com/24", "'office.example.com' is a host name" },
        { "/8", "an entry is empty" },
        { "/", "an entry is empty" },
    };

    /// <summary>Bounds, an entry at the bound and one beyond it.</summary>
    public static TheoryData<int, int, string, string> Bounds { get; } = new()
    {
        { 8, 32, "10.0.0.0/8", "10.0.0.0/7" },
        { 24, 32, "10.0.0.0/24", "10.0.0.0/23" },
        { 24, 32, "::ffff:10.0.0.0/120", "::ffff:10.0.0.0/119" },
        { 1, 32, "128.0.0.0/1", "0.0.0.0/0" },
        { 1, 32, "::ffff:128.0.0.0/97", "::ffff:0.0.0.0/96" },
        { 32, 32, "10.0.0.0/32", "10.0.0.0/31" },
        { 8, 48, "2001:db8::/48", "2001:db8::/47" },
        { 8, 13, "2a00::/13", "2a00::/12" },
        { 8, 1, "8000::/1", "::/0" },
        { 8, 128, "2001:db8::/128", "2001:db8::/127" },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Accepts_an_entry_in_canonical_form(string text, string canonical)
    {
        IpAddressSet.TryParseEntry(text, CidrRangeBounds.Default, out string? read, out string? message).Should().BeTrue();

        read.Should().Be(canonical);
        message.Should().BeNull();
        IpAddressSet.Parse([text], CidrRangeBounds.Default).ToCanonicalStrings().Should().Equal(canonical);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_an_entry_with_its_remedy(string text, string message)
    {
        IpAddressSet.TryParseEntry(text, CidrRangeBounds.Default, out string? read, out string? refusal).Should().BeFalse();

        read.Should().BeNull();
        refusal.Should().EndWith($"' {message}");
        IpAddressSet.TryParse([text], CidrRangeBounds.Default, out _, out IReadOnlyList<IpAddressError> errors).Should().BeFalse();
        errors.Should().ContainSingle().Which.Message.Should().Be(refusal);
    }

    [Theory]
    [MemberData(nameof(AddressRefused))]
    public void Refuses_a_network_for_its_address(string text, string part)
    {
        IpAddressSet.TryParseEntry(text, CidrRangeBounds.Default, out _, out string? refusal).Should().BeFalse();

        refusal.Should().StartWith($"'{text}': ").And.Contain(part);
    }

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Accepts_up_to_the_bound_and_refuses_beyond_it(int minIPv4, int minIPv6, string accepted, string refused)
    {
        var bounds = new CidrRangeBounds { MinIPv4PrefixLength = minIPv4, MinIPv6PrefixLength = minIPv6 };

        IpAddressSet.TryParseEntry(accepted, bounds, out _, out _).Should().BeTrue();
        IpAddressSet.TryParseEntry(refused, bounds, out _, out _).Should().BeFalse();
    }

    [Fact]
    public void Has_bounds_of_8_and_32_by_default() =>
        CidrRangeBounds.Default.Should().Be(new CidrRangeBounds { MinIPv4PrefixLength = 8, MinIPv6PrefixLength = 32 });

    [Theory]
    [InlineData(0, 32)]
    [InlineData(-1, 32)]
    [InlineData(33, 32)]
    [InlineData(8, 0)]
    [InlineData(8, 129)]
    public void Has_no_bounds_that_let_a_whole_family_in(int minIPv4, int minIPv6)
    {
        Action create = () => _ = new CidrRangeBounds { MinIPv4PrefixLength = minIPv4, MinIPv6PrefixLength = minIPv6 };

        create.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("10.0.0.0/8")]
    [InlineData("10.0.0.1/32")]
    [InlineData("2001:db8::/64")]
    [InlineData("::/0")]
    [InlineData("10.0.0.1/8")]
    [InlineData("x/8")]
    public void Refuses_every_range_where_none_is_allowed_and_names_the_option(string text)
    {
        string expected = $"'{text}' is a CIDR range; list each address, or allow ranges with AllowCidrRanges";

        IpAddressSet.TryParseEntry(text, out _, out string? message).Should().BeFalse();

        message.Should().Be(expected);
        IpAddressSet.TryParseEntry(text, null, out _, out message).Should().BeFalse();
        message.Should().Be(expected);
        IpAddressSet.TryParse([text], out _, out IReadOnlyList<IpAddressError> errors).Should().BeFalse();
        errors.Should().ContainSingle().Which.Message.Should().Be(expected);
    }

    [Fact]
    public void Bounds_and_escapes_what_it_quotes()
    {
        IpAddressSet.TryParseEntry(new string('1', 10_000) + "/8", CidrRangeBounds.Default, out _, out string? message);
        message!.Length.Should().BeLessThan(1_000);

        IpAddressSet.TryParseEntry("10.0.0.0/8\r\nforged", CidrRangeBounds.Default, out _, out message);
        message.Should().NotContainAny("\r", "\n");
    }
}
