using System.Net;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The strict parser against a slow one of another make, and against the framework on everything it accepts.</summary>
public sealed class ParserProperties
{
    private const int Iterations = 20_000;

    [Fact]
    public void Reads_every_legal_spelling_as_the_address_it_spells() =>
        AddressGen.Spelled.Sample(address => Read(address.Text).Should().Be(address.Hex), iter: Iterations);

    [Fact]
    public void Reads_every_legal_spelling_with_brackets_or_port_as_the_address_it_spells() =>
        AddressGen.ForwardedSpellings(AddressGen.Groups)
            .Sample(address => ReadForwarded(address.Text).Should().Be(address.Hex), iter: Iterations);

    [Fact]
    public void Agrees_with_the_reference_on_allowlist_entries() =>
        AddressGen.Text.Sample(text => Read(text).Should().Be(ReferenceAddressParser.Read(text)), iter: Iterations);

    [Fact]
    public void Agrees_with_the_reference_on_forwarded_entries() =>
        AddressGen.ForwardedText.Sample(
            text => ReadForwarded(text).Should().Be(ReferenceAddressParser.ReadForwarded(text)), iter: Iterations);

    [Fact]
    public void Accepts_no_text_that_the_framework_reads_differently() =>
        AddressGen.Text.Where(text => Read(text) is not null).Sample(
            text =>
            {
                IPAddress framework = IPAddress.Parse(text);
                IPAddress expected = framework.IsIPv4MappedToIPv6 ? framework.MapToIPv4() : framework;

                IpAddressParser.TryParse(text, out IpAddressValue value).Should().BeTrue();

                value.ToIPAddress().Should().Be(expected);
                IpAddressValue.From(framework).Should().Be(value);
            },
            iter: Iterations);

    [Fact]
    public void Reads_canonical_text_back_as_the_same_address() =>
        AddressGen.Spelled.Sample(
            address =>
            {
                string canonical = IpAddressValue.From(address.Address).ToString();

                Read(canonical).Should().Be(address.Hex);
                ReadForwarded(canonical).Should().Be(address.Hex);
                IpAddressParser.TryParse(canonical, out IpAddressValue again).Should().BeTrue();
                again.ToString().Should().Be(canonical);
            },
            iter: Iterations);

    [Fact]
    public void Accepts_every_allowlist_entry_as_a_forwarded_entry() =>
        AddressGen.Text.Where(text => Read(text) is not null).Sample(text => ReadForwarded(text).Should().Be(Read(text)), iter: Iterations);

    private static string? Read(string text) =>
        IpAddressParser.TryParse(text, out IpAddressValue value) ? value.Bits.ToString("x32", null) : null;

    private static string? ReadForwarded(string text) =>
        IpAddressParser.TryParseForwarded(text, out IpAddressValue value) ? value.Bits.ToString("x32", null) : null;
}
