using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The table of accepted and refused texts, as an allowlist entry and as an entry of X-Forwarded-For.</summary>
public sealed class IpAddressParserTests
{
    public static TheoryData<string> DecimalOctets { get; } =
    [
        "0.0.0.0", "0.0.0.1", "1.2.3.4", "9.10.99.100", "127.0.0.1", "192.0.2.1", "198.51.100.249", "203.0.113.250", "255.255.255.255",
    ];

    public static TheoryData<string, string> LegalIPv6 { get; } = new()
    {
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "0:0:0:0:0:0:0:0", "::" },
        { "0000:0000:0000:0000:0000:0000:0000:0001", "::1" },
        { "2001:db8::7", "2001:db8::7" },
        { "2001:DB8::ABCD", "2001:db8::abcd" },
        { "2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7" },
        { "2001:db8:0:0::7", "2001:db8::7" },
        { "2001:db8::0:0:7", "2001:db8::7" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
        { "1::5:1.2.3.4", "1::5:102:304" },
        { "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:0:102:304" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    };

    public static TheoryData<string, string> Mapped { get; } = new()
    {
        { "::ffff:1.2.3.4", "1.2.3.4" },
        { "::FFFF:1.2.3.4", "1.2.3.4" },
        { "::ffff:102:304", "1.2.3.4" },
        { "::ffff:0102:0304", "1.2.3.4" },
        { "0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4" },
        { "0000:0000:0000:0000:0000:ffff:0102:0304", "1.2.3.4" },
        { "0::ffff:1.2.3.4", "1.2.3.4" },
        { "::ffff:0:0", "0.0.0.0" },
        { "::ffff:ffff:ffff", "255.255.255.255" },
        { "::ffff:0.0.0.0", "0.0.0.0" },
    };

    /// <summary>IPv4-compatible, IPv4-translated, NAT64, 6to4, Teredo, ISATAP, and neighbours of the mapped prefix.</summary>
    public static TheoryData<string, string> EmbeddingButNotMapped { get; } = new()
    {
        { "::1.2.3.4", "::1.2.3.4" },
        { "::102:304", "::1.2.3.4" },
        { "::ffff:0:1.2.3.4", "::ffff:0:1.2.3.4" },
        { "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
        { "2002:102:304::", "2002:102:304::" },
        { "2001:0:102:304::", "2001:0:102:304::" },
        { "2001:db8::5efe:1.2.3.4", "2001:db8::5efe:1.2.3.4" },
        { "::fffe:1.2.3.4", "::fffe:102:304" },
        { "::1:ffff:1.2.3.4", "::1:ffff:102:304" },
        { "1::ffff:1.2.3.4", "1::ffff:102:304" },
        { "::ffff", "::ffff" },
        { "::ffff:1", "::255.255.0.1" },
        { "::ffff:1:2:3", "::ffff:1:2:3" },
    };

    public static TheoryData<string> BrokenIPv4 { get; } =
    [
        "256.0.0.1", "1.256.0.1", "1.2.256.4", "1.2.3.256", "1.2.3.999", "1.2.3.1000", "1.2.3.4294967300", "1.2.3.18446744073709551620",
        "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..3.4", "1.2..3.4", "1.2.3.",
        "...", ".", "1,2,3,4", "-1.2.3.4", "+1.2.3.4", "1.2.3.-4", "1.2.3.4a",
        "1.2.3.4-", "1e1.2.3.4", "1_0.2.3.4",
    ];

    public static TheoryData<string> OctalHexShortAndInteger { get; } =
    [
        "1", "0", "127.1", "127.0.1", "1.2.3", "2130706433", "4294967295", "010.0.0.1", "10.00.0.1", "10.0.0.01", "10.0.0.001", "00.0.0.0",
        "0177.0.0.1", "0x7f.0.0.1", "0X7F.0.0.1", "0x7f000001", "0x7f.1", "1.2.3.0x4", "0o17.0.0.1", "7f000001", "::ffff:1.2.3.010",
        "::ffff:01.2.3.4", "::ffff:0x1.2.3.4", "::ffff:1.2.3", "64:ff9b::010.0.0.1",
    ];

    public static TheoryData<string> BrokenIPv6 { get; } =
    [
        ":", ":::", "::::", "1:::2", ":::1", "1:::", "1::2::3", "::1::", "::1:", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:", ":1::2", "1::2:", ":1", "1:", "1:2", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8", "1:2:3:4:5:6:7::8:9", "12345::", "::12345",
        "::00001", "1:2:3:4:5:6:7:00008", "::g", "::-1", "::+1", "::0x1", "::1x",
        "1.2.3.4::", "::1.2.3.4:5", "1:1.2.3.4:5::", "::1.2.3.4::", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6::1.2.3.4",
        "::1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:8:1.2.3.4", "::1.2.3.4.5", "::1.2.3.", "::.1.2.3", "::256.2.3.4", "::a.2.3.4", "::1.2.3.a",
        "::ffff:1.2.3.4:80", "::ffff:1.2.3.4.", "2001:db8::1.", "2001.db8::1",
    ];

    public static TheoryData<string> Decorated { get; } =
    [
        "fe80::1%eth0", "fe80::1%1", "fe80::1%", "::1%0", "1.2.3.4%1",
        "fe80::1%25eth0", "[fe80::1%eth0]", "[fe80::1]%eth0", "[fe80::1%1]:80",
        "\"1.2.3.4\"", "'1.2.3.4'", "`1.2.3.4`", "\"[::1]\"", "\"[::1]:80\"", "\"1.2.3.4:80\"", "\"1.2.3.4", "1.2.3.4\"", "\\1.2.3.4",
        "unknown", "UNKNOWN", "_hidden", "_SEVKISEK", "unix:", "-", "null", "for=1.2.3.4", "for=\"[::1]\"",
    ];

    public static TheoryData<string> NetworksRangesAndNames { get; } =
    [
        "10.0.0.0/8", "1.2.3.4/32", "2001:db8::/32", "::1/128", "::/0", "0.0.0.0/0",
        "1.2.3.4/", "/8", "10.0.0.0/255.0.0.0", "[::1]/128", "1.2.3.4/32:80",
        "10.0.0.1-10.0.0.9", "10.0.0.1-9", "10.0.0.1 - 10.0.0.9", "2001:db8::1-2001:db8::9", "10.0.0.1..10.0.0.9",
        "*", "10.0.0.*", "10.*", "*:80", "[*]:80", "2001:db8::*", "10.0.0.x", "10.0.0.?", "any", "all",
        "localhost", "localhost:80", "example.com", "example.com.", "api",
        "a.b.c.d", "dead.beef", "1.2.3.4.example", "[localhost]", "[localhost]:80",
        "http://1.2.3.4", "http://1.2.3.4/", "http://[::1]:80/", "1.2.3.4,5.6.7.8",
        "1.2.3.4;5.6.7.8", "1.2.3.4|5.6.7.8", "::1,::2", "1.2.3.4\\32",
    ];

    /// <summary>Arabic-Indic, Devanagari and full-width digits, superscripts, circled digits, other full stops and colons.</summary>
    public static TheoryData<string> NotAscii { get; } =
    [
        "\u0661.2.3.4", "1.2.3.\u0664", "\u0661\u0662.\u0663.\u0664.\u0665",
        "\u0967.2.3.4", "\uff11.\uff12.\uff13.\uff14", "1.2.3.\u00b2", "\u2460.2.3.4",
        "1\u30022\u30023\u30024", "1\uff0e2\uff0e3\uff0e4", "1\u20242.3.4",
        "::\u0661", "::\uff11", "::\uff41", ":\uff1a1", "\uff1a\uff1a1", "::\u0430",
        "2001:db8\u02d0:1", "[::1\uff3d", "1.2.3.4:\uff18\uff10", "[::1]:\u0668\u0660",
        "\u200b1.2.3.4", "1.2.3.4\u200b", "\ufeff1.2.3.4", "1.2.3.4\u00ad",
        "\u202e4.3.2.1",
    ];

    public static TheoryData<string, string> BracketsOrPort { get; } = new()
    {
        { "1.2.3.4:0", "1.2.3.4" },
        { "1.2.3.4:80", "1.2.3.4" },
        { "1.2.3.4:65535", "1.2.3.4" },
        { "1.2.3.4:00080", "1.2.3.4" },
        { "0.0.0.0:1", "0.0.0.0" },
        { "[::]", "::" },
        { "[::1]", "::1" },
        { "[::1]:0", "::1" },
        { "[::1]:65535", "::1" },
        { "[2001:DB8::7]:443", "2001:db8::7" },
        { "[::ffff:1.2.3.4]", "1.2.3.4" },
        { "[::ffff:102:304]:443", "1.2.3.4" },
        { "[::1.2.3.4]:443", "::1.2.3.4" },
    };

    public static TheoryData<string> BrokenBracketsOrPort { get; } =
    [
        "[::1]:99999999", "[::1]:65536", "[::1]:99999", "[::1]:000080", "[::1]:",
        "[::1]:-1", "[::1]:+1", "[::1]: 1", "[::1]:1 ", "[::1]:0x50", "[::1]:http",
        "[::1]:80:80", "[::1]80", "[::1] :80", "[::1].", "[::1]]", "[[::1]]", "[::1",
        "::1]", "[", "]", "[]", "[]:80", "[:]:80", "[ ::1]", "[::1 ]", "x[::1]",
        "[1.2.3.4]", "[1.2.3.4]:80", "[1]", "::1]:80", "(::1)", "{::1}", "<::1>",
        "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:99999", "1.2.3.4:000080",
        "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 80", "1.2.3.4 :80", "1.2.3.4:80 ",
        "1.2.3.4:0x50", "1.2.3.4:http", "1.2.3.4:80:80", "1.2.3.4::80",
        "1.2.3.4:4294967376", ":80", "010.0.0.1:80", "127.1:80", "1:80", "256.0.0.1:80",
    ];

    /// <summary>Every character that some library takes for white space, and the null character.</summary>
    public static TheoryData<int> Blanks { get; } =
    [
        ' ', '\t', '\n', '\v', '\f', '\r', 0x00, 0x1c, 0x1f, 0x85, 0xa0, 0x1680,
        0x180e, 0x2000, 0x2003, 0x200a, 0x200b, 0x2028, 0x2029, 0x202f, 0x205f,
        0x3000, 0xfeff,
    ];

    [Theory]
    [MemberData(nameof(DecimalOctets))]
    public void Accepts_four_decimal_octets(string text)
    {
        Entry(text).Should().Be(text);
        Forwarded(text).Should().Be(text);
        Reads(text).IsIPv4.Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(BrokenIPv4))]
    public void Refuses_anything_but_four_numbers_up_to_255(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(OctalHexShortAndInteger))]
    public void Refuses_octal_hex_short_and_integer_forms(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(LegalIPv6))]
    public void Accepts_every_legal_spelling_of_IPv6(string text, string canonical)
    {
        Entry(text).Should().Be(canonical);
        Forwarded(text).Should().Be(canonical);
        Reads(text).IsIPv4.Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(BrokenIPv6))]
    public void Refuses_malformed_IPv6(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(Mapped))]
    public void Reads_a_mapped_address_as_the_IPv4_address(string text, string ipv4)
    {
        Entry(text).Should().Be(ipv4);
        Forwarded(text).Should().Be(ipv4);
        Reads(text).Should().Be(Reads(ipv4));
    }

    [Theory]
    [MemberData(nameof(EmbeddingButNotMapped))]
    public void Keeps_other_addresses_that_embed_IPv4_as_IPv6(string text, string canonical)
    {
        Entry(text).Should().Be(canonical);
        Forwarded(text).Should().Be(canonical);
        Reads(text).IsIPv4.Should().BeFalse();
    }

    [Theory]
    [InlineData("0.0.0.0", "::")]
    [InlineData("0.0.0.1", "::1")]
    [InlineData("1.2.3.4", "::1.2.3.4")]
    [InlineData("1.2.3.4", "64:ff9b::1.2.3.4")]
    [InlineData("1.2.3.4", "2002:102:304::")]
    public void Tells_the_families_apart(string ipv4, string ipv6) => Reads(ipv4).Should().NotBe(Reads(ipv6));

    [Theory]
    [MemberData(nameof(Decorated))]
    public void Refuses_zone_ids_quotes_and_names_of_the_unknown(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(NetworksRangesAndNames))]
    public void Refuses_networks_ranges_wildcards_names_and_lists(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(NotAscii))]
    public void Refuses_digits_and_punctuation_outside_ASCII(string text) => ShouldBeRefused(text);

    [Theory]
    [MemberData(nameof(BracketsOrPort))]
    public void Drops_brackets_and_port_from_a_forwarded_entry_alone(string text, string canonical)
    {
        Forwarded(text).Should().Be(canonical);
        Entry(text).Should().BeNull();
    }

    [Theory]
    [MemberData(nameof(BrokenBracketsOrPort))]
    public void Refuses_broken_brackets_and_ports_everywhere(string text) => ShouldBeRefused(text);

    [Fact]
    public void Reads_a_colon_and_digits_after_bare_IPv6_as_part_of_the_address() =>
        Forwarded("2001:db8::1:80").Should().Be("2001:db8::1:80");

    [Theory]
    [MemberData(nameof(Blanks))]
    public void Refuses_white_space_before_after_and_inside(int character)
    {
        char blank = (char)character;
        foreach (string text in new[] { "1.2.3.4", "2001:db8::7" })
        {
            ShouldBeRefused(blank + text);
            ShouldBeRefused(text + blank);
            ShouldBeRefused($"{blank}{text}{blank}");
            for (int place = 1; place < text.Length; place++)
            {
                ShouldBeRefused(text.Insert(place, blank.ToString()));
            }
        }

        ShouldBeRefused(blank.ToString());
        ShouldBeRefused($"[::1]{blank}");
        ShouldBeRefused($"1.2.3.4:80{blank}");
    }

    [Fact]
    public void Refuses_empty_text()
    {
        ShouldBeRefused("");
        ShouldBeRefused(null);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("0")]
    [InlineData("1.")]
    [InlineData("1:")]
    [InlineData(":")]
    [InlineData("::")]
    [InlineData("f")]
    [InlineData("[")]
    [InlineData(" ")]
    [InlineData("1.2.3.4")]
    [InlineData("::1")]
    public void Refuses_very_long_text(string piece) => ShouldBeRefused(string.Concat(Enumerable.Repeat(piece, 100_000)));

    private static IpAddressValue Reads(string text)
    {
        IpAddressParser.TryParse(text, out IpAddressValue value).Should().BeTrue();
        return value;
    }

    /// <summary>The entry as the set shows it; null where the set refuses it.</summary>
    private static string? Entry(string? text)
    {
        bool isAccepted = IpAddressSet.TryParse([text], out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors);
        IpAddressParser.TryParse(text, out IpAddressValue value).Should().Be(isAccepted);
        errors.Should().HaveCount(isAccepted ? 0 : 1);
        if (!isAccepted)
        {
            set.Should().BeNull();
            return null;
        }

        set!.Contains(value.ToIPAddress()).Should().BeTrue();
        return set.ToCanonicalStrings().Should().ContainSingle().Which;
    }

    private static string? Forwarded(string? text) =>
        IpAddressParser.TryParseForwarded(text, out IpAddressValue value) ? value.ToString() : null;

    private static void ShouldBeRefused(string? text)
    {
        Entry(text).Should().BeNull();
        Forwarded(text).Should().BeNull();
    }
}
