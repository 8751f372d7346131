using System.Text.RegularExpressions;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The strict reader of entries against a slow one of another make.</summary>
public sealed partial class IpNetworkParserProperties
{
    private const int Iterations = 20_000;

    private static readonly Gen<CidrRangeBounds> Bounds = Gen.OneOf(
        Gen.Const(CidrRangeBounds.Default),
        Gen.Select(Gen.Int[1, 32], Gen.Int[1, 128], (minIPv4, minIPv6) => new CidrRangeBounds
        {
            MinIPv4PrefixLength = minIPv4,
            MinIPv6PrefixLength = minIPv6,
        }));

    [Fact]
    public void Agrees_with_the_reference_on_every_text() =>
        Gen.Select(AddressGen.EntryText, Bounds).Sample(
            (text, bounds) => Read(text, bounds).Should().Be(
                ReferenceAddressParser.ReadEntry(text, bounds.MinIPv4PrefixLength, bounds.MinIPv6PrefixLength)),
            iter: 2 * Iterations);

    [Fact]
    public void Reads_every_legal_spelling_as_the_network_it_spells() =>
        AddressGen.SpelledNetworks.Sample(
            network => Read(network.Text, CidrRangeBounds.Widest).Should().Be($"{network.Start.Hex}/{network.PrefixLength}"),
            iter: Iterations);

    [Fact]
    public void Reads_canonical_text_back_as_the_same_entry() =>
        AddressGen.SpelledNetworks.Sample(
            network =>
            {
                IpNetworkParser.ParseEntry(network.Text, CidrRangeBounds.Widest, out IpNetwork entry).Should().BeNull();
                IpNetworkParser.ParseEntry(entry.ToString(), CidrRangeBounds.Widest, out IpNetwork again).Should().BeNull();

                again.Should().Be(entry);
                again.ToString().Should().Be(entry.ToString());
            },
            iter: Iterations);

    [Fact]
    public void Reads_where_ranges_are_allowed_every_address_that_it_reads_where_they_are_not() =>
        AddressGen.Text.Sample(
            text => Read(text, CidrRangeBounds.Default).Should().Be(Read(text, null)), iter: Iterations);

    [Fact]
    public void Refuses_every_text_with_a_slash_where_ranges_are_not_allowed() =>
        AddressGen.EntryText.Where(text => text.Contains('/', StringComparison.Ordinal))
            .Sample(text => Read(text, null).Should().BeNull(), iter: Iterations);

    [Fact]
    public void Explains_any_refused_text_in_one_bounded_printable_line() =>
        Gen.Select(AddressGen.EntryText, Bounds).Sample(
            (text, bounds) =>
            {
                string? message = IpNetworkParser.ParseEntry(text, bounds, out _);
                if (message is not null)
                {
                    message.Length.Should().BeInRange(10, 1_000);
                    message.All(character => character is >= ' ' and <= '~').Should().BeTrue();
                }
            },
            iter: Iterations);

    [Fact]
    public void Offers_a_network_and_an_address_in_place_of_host_bits_that_are_accepted() =>
        Gen.Select(AddressGen.Spelled, Gen.Int[1, 128], Bounds).Sample(
            (address, length, bounds) =>
            {
                string? message = IpNetworkParser.ParseEntry($"{address.Text}/{length}", bounds, out _);
                if (message is not null && HostBits().Match(message) is { Success: true } remedy)
                {
                    Read(remedy.Groups["network"].Value, bounds).Should().NotBeNull();
                    Read(remedy.Groups["address"].Value, bounds).Should().Be($"{address.Hex}/128");
                }
            },
            iter: Iterations);

    private static string? Read(string text, CidrRangeBounds? bounds) =>
        IpNetworkParser.ParseEntry(text, bounds, out IpNetwork entry) is null
            ? $"{entry.Start.Bits.ToString("x32", null)}/{UInt128.PopCount(entry.Mask)}"
            : null;

    [GeneratedRegex("has host bits set; write (?<network>[^ ]+), or (?<address>[^ ]+) alone")]
    private static partial Regex HostBits();
}
