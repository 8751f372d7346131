using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The message about a refused entry: the fault and the remedy.</summary>
public sealed class IpAddressErrorMessageTests
{
    /// <summary>One representative of each fault with its whole message.</summary>
    public static TheoryData<string, string> Faults { get; } = new()
    {
        { "", "an entry is empty; remove it or write an address" },
        { "10.0.0.0/8", "'10.0.0.0/8' is a CIDR range; list each address" },
        { "10.0.0.1:8080", "'10.0.0.1:8080' has a port; an allowlist has none, write 10.0.0.1" },
        { "gateway:8080", "'gateway:8080' is a host and a port; write the address alone" },
        { "[2001:db8::7]", "'[2001:db8::7]' has brackets; write the address without them" },
        { "[2001:db8::7]:443", "'[2001:db8::7]:443' has brackets and a port; write the address alone" },
        { "fe80::1%eth0", "'fe80::1%eth0' has a zone id; remove it from '%' on: a zone is valid on one machine only" },
        { "010.0.0.1", "'010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1" },
        { "gateway.example.com", "'gateway.example.com' is a host name or not an address; list each of its addresses" },
        { "10.0.0.*", "'10.0.0.*' is a wildcard; list each address" },
        { "10.0.0.1-10.0.0.9", "'10.0.0.1-10.0.0.9' is a range; list each address" },
        { " 10.0.0.1", "' 10.0.0.1' has white space around it; remove it" },
        { "10.0.0.1 10.0.0.2", "'10.0.0.1 10.0.0.2' contains white space; write one address per entry" },
        { "0x7f.0.0.1", "'0x7f.0.0.1' is written in hex; write four decimal octets, such as 10.0.0.1" },
        { "127.1", "'127.1' is a short form; write four decimal octets, such as 10.0.0.1" },
        { "256.0.0.1", "'256.0.0.1' has an octet above 255; write four numbers from 0 to 255" },
        { "1.2.3.4.5", "'1.2.3.4.5' is not an IPv4 address; write four decimal octets, such as 10.0.0.1" },
        { "1::2::3", "'1::2::3' is not a legal IPv6 address; write eight groups of hex digits, or fewer with one '::'" },
        { "https://10.0.0.1", "'https://10.0.0.1' is a URL; write the address alone" },
        { "10.0.0.1,10.0.0.2", "'10.0.0.1,10.0.0.2' is more than one address; write one address per entry" },
        { "\"10.0.0.1\"", "'\"10.0.0.1\"' is in quotes; remove them" },
        { "unknown", "'unknown' is not an address; remove it or write an address" },
        {
            "\u0661.2.3.4",
            "'\\u0661.2.3.4' contains characters that are not allowed in an address; write digits, dots and colons (a to f in IPv6)"
                + " in ASCII"
        },
    };

    /// <summary>Other texts with the same faults, and what their message must say.</summary>
    public static TheoryData<string, string> MoreOfTheSame { get; } = new()
    {
        { "10.0.0.1/32", "CIDR range; list each address" },
        { "2001:db8::/32", "CIDR range; list each address" },
        { "::/0", "CIDR range; list each address" },
        { "10.0.0.0/255.0.0.0", "CIDR range; list each address" },
        { "0.0.0.0:0", "has a port; an allowlist has none, write 0.0.0.0" },
        { "[::1", "has brackets; write the address without them" },
        { "[10.0.0.1]:80", "has brackets and a port" },
        { "10.0.0.1%1", "has a zone id; remove it" },
        { "10.0.0.08", "octal or decimal? write 10.0.0.8" },
        { "000.000.000.000", "octal or decimal? write 0.0.0.0" },
        { "0300.1.1.1", "octal or decimal? write 10.0.0.1" },
        { "01", "octal or decimal? write 10.0.0.1" },
        { "::ffff:1.2.3.010", "octal or decimal? write 1.2.3.10" },
        { "localhost", "host name" },
        { "10.0.0.x", "host name or not an address" },
        { "*", "wildcard; list each address" },
        { "2001:db8::*", "wildcard; list each address" },
        { "10.0.0.1-9", "is a range; list each address" },
        { "2001:db8::1-2001:db8::9", "is a range; list each address" },
        { "10.0.0.1\t", "white space around it; remove it" },
        { "10.0.0.1\r\n", "white space around it; remove it" },
        { "\u00a010.0.0.1", "white space around it; remove it" },
        { "10.0. 0.1", "contains white space" },
        { "0X7F000001", "is written in hex" },
        { "1", "is a short form" },
        { "2130706433", "is a short form" },
        { "1.2.3.999", "octet above 255" },
        { "::ffff:256.0.0.1", "octet above 255" },
        { "1.2.3.", "four decimal octets" },
        { "1:2", "write the address alone" },
        { ":::", "not a legal IPv6 address" },
        { "1:2:3:4:5:6:7:8:9", "not a legal IPv6 address" },
        { "12345::1", "not a legal IPv6 address" },
        { "::ffff:10.0.0.1:80", "not a legal IPv6 address" },
        { "http://[::1]:80/path", "is a URL; write the address alone" },
        { "10.0.0.1;10.0.0.2", "more than one address" },
        { "10.0.0.1|10.0.0.2", "more than one address" },
        { "'10.0.0.1'", "in quotes; remove them" },
        { "Unknown", "is not an address" },
        { "10.0.0.1\0", "contains characters that are not allowed in an address" },
        { "\u200b10.0.0.1", "contains characters that are not allowed in an address" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Names_the_fault_and_its_remedy(string text, string message) => IpAddressErrorMessage.For(text).Should().Be(message);

    [Theory]
    [MemberData(nameof(MoreOfTheSame))]
    public void Recognises_the_fault_in_its_other_forms(string text, string part)
    {
        IpAddressParser.TryParse(text, out _).Should().BeFalse();
        IpAddressErrorMessage.For(text).Should().Contain(part).And.StartWith(PrintableText.Quote(text) + " ");
    }

    [Fact]
    public void Has_a_message_of_its_own_for_each_fault()
    {
        string[] texts = [.. Faults.Select(row => row.Data.Item1)];

        texts.Select(text => IpAddressErrorMessage.For(text).Replace(PrintableText.Quote(text), "", StringComparison.Ordinal))
            .Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Treats_null_as_empty() => IpAddressErrorMessage.For(null).Should().Be(IpAddressErrorMessage.For(""));

    [Theory]
    [InlineData("1:2:3:4:5:6:7:1.2.3.4")]
    [InlineData("1:2:3:4:5:1.2.3.4")]
    [InlineData("::1:2:3:4:5:6:1.2.3.4")]
    public void Does_not_blame_the_octets_of_a_dotted_tail_in_the_wrong_place(string text) =>
        IpAddressErrorMessage.For(text).Should().Contain("not a legal IPv6 address").And.NotContain("octet above 255");

    [Fact]
    public void Does_not_offer_an_IPv4_address_for_an_IPv6_address_whose_tail_has_a_leading_zero() =>
        IpAddressErrorMessage.For("64:ff9b::01.2.3.4").Should().Contain("leading zero").And.NotContain("write 1.2.3.4");

    [Theory]
    [InlineData('a')]
    [InlineData('1')]
    [InlineData(':')]
    [InlineData('.')]
    [InlineData('\u0001')]
    [InlineData('\uffff')]
    public void Cuts_long_text_off(char character)
    {
        string message = IpAddressErrorMessage.For(new string(character, 100_000));

        message.Length.Should().BeLessThan(600);
        message.Should().Contain("...'");
    }

    [Theory]
    [InlineData("a\r\nforged log line", "'a\\u000d\\u000aforged log line'")]
    [InlineData("a\0b", "'a\\u0000b'")]
    [InlineData("\u001b[31mred", "'\\u001b[31mred'")]
    [InlineData("x' is fine; 'y", "'x\\u0027 is fine; \\u0027y'")]
    [InlineData("a\\u0041", "'a\\u005cu0041'")]
    [InlineData("\u202eevil", "'\\u202eevil'")]
    public void Escapes_what_could_forge_or_hide_text(string text, string quoted) =>
        IpAddressErrorMessage.For(text).Should().StartWith(quoted + " ");

    [Fact]
    public void Leaves_out_the_rest_of_a_run_of_hex_digits_that_no_address_has()
    {
        PrintableText.Quote("fb_live_0123456789abcdef0123456789abcdef0123456789abcdef").Should().Be("'fb_live_0123...'");
        PrintableText.Quote("3232235777").Should().Be("'3232235777'");
    }

    [Fact]
    public void Shows_64_characters_whole_and_marks_the_cut_after_them()
    {
        PrintableText.Quote(new string('x', 64)).Should().Be($"'{new string('x', 64)}'");
        PrintableText.Quote(new string('x', 65)).Should().Be($"'{new string('x', 64)}...'");
    }

    [Fact]
    public void Explains_any_refused_text_in_one_bounded_printable_line() =>
        Gen.OneOf(AddressGen.ForwardedText, Gen.String, Gen.String[Gen.Char["01.:xX/-*%[] \n\u00e9"], 0, 100])
            .Where(text => !IpAddressParser.TryParse(text, out _))
            .Sample(
                text =>
                {
                    string message = IpAddressErrorMessage.For(text);

                    message.Length.Should().BeInRange(10, 600);
                    message.Should().Match(line => line.All(character => character >= ' ' && character <= '~'));
                },
                iter: 10_000);
}
