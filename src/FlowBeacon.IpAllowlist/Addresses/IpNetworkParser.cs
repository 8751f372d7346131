using System.Globalization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Reads an address or a CIDR network strictly, and explains what it refuses and what to write instead.</summary>
internal static class IpNetworkParser
{
    /// <summary>Reads an entry of an allowlist.</summary>
    /// <param name="text">The text.</param>
    /// <param name="ranges">Which networks are allowed; null if none is.</param>
    /// <param name="entry">The entry; meaningless if it is refused.</param>
    /// <returns>Null if the text is an entry, otherwise the fault and its remedy.</returns>
    public static string? ParseEntry(string? text, CidrRangeBounds? ranges, out IpNetwork entry)
    {
        if (ranges is null || text is null || !text.Contains('/', StringComparison.Ordinal))
        {
            return TryParseAddress(text, out entry) ? null : IpAddressErrorMessage.ForEntry(text);
        }

        if (IpAddressErrorMessage.ReasonInAnyText(text) is { } reason)
        {
            entry = default;
            return $"{PrintableText.Quote(text)} {reason}";
        }

        return ParseNetwork(text, ranges, "that may use the key", out entry);
    }

    /// <summary>Reads an entry of the trusted proxies.</summary>
    /// <param name="text">The text.</param>
    /// <param name="proxies">The network; meaningless if it is refused.</param>
    /// <returns>Null if the text is accepted, otherwise the fault and its remedy.</returns>
    public static string? ParseProxies(string? text, out IpNetwork proxies)
    {
        if (text is null || !text.Contains('/', StringComparison.Ordinal))
        {
            return TryParseAddress(text, out proxies) ? null : IpAddressErrorMessage.For(text);
        }

        return ParseNetwork(text, CidrRangeBounds.Widest, "of your proxies", out proxies);
    }

    private static bool TryParseAddress(string? text, out IpNetwork network)
    {
        bool isAccepted = IpAddressParser.TryParse(text, out IpAddressValue address);
        network = IpNetwork.Of(address);
        return isAccepted;
    }

    private static string? ParseNetwork(string text, CidrRangeBounds bounds, string whichNetworks, out IpNetwork network)
    {
        network = default;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string shown = PrintableText.Quote(text);
        string addressText = text[..slash];
        if (!IpAddressParser.TryParse(addressText, out IpAddressValue address))
        {
            return $"{shown}: {IpAddressErrorMessage.For(addressText)}";
        }

        // The prefix of an IPv4 network in mapped form counts 128 bits; stored in that form, that of every network does.
        int bits = addressText.Contains(':', StringComparison.Ordinal) ? 128 : 32;
        int shortest = address.IsIPv4 ? 96 + bounds.MinIPv4PrefixLength : bounds.MinIPv6PrefixLength;
        if (!TryParseLength(text.AsSpan(slash + 1), out int length) || length > bits)
        {
            return $"{shown} has an invalid prefix length; write a number from {shortest + bits - 128} to {bits} after the slash";
        }

        int prefix = length + 128 - bits;
        if (length == 0 || (address.IsIPv4 && prefix == 96))
        {
            return $"{shown} contains every address; list the networks {whichNetworks}";
        }

        if (address.IsIPv4 && prefix < 96)
        {
            return $"{shown} contains every IPv4 address, because the prefix of a mapped address counts 128 bits;"
                + " write an IPv4 network in dotted form";
        }

        // Before the host bits, so that the suggested network is an accepted one.
        if (prefix < shortest)
        {
            return address.IsIPv4
                ? $"{shown} is wider than allowed; write IPv4 networks with a prefix length of at least {bounds.MinIPv4PrefixLength}"
                : $"{shown} is wider than allowed; write IPv6 networks with a prefix length of at least {bounds.MinIPv6PrefixLength}";
        }

        network = IpNetwork.Around(address, prefix);
        return network.Start == address ? null : $"{shown} has host bits set; write {network}, or {address} alone";
    }

    /// <summary>Reads 1 to 3 digits without a leading zero.</summary>
    private static bool TryParseLength(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        return text.Length is > 0 and <= 3 && !text.ContainsAnyExceptInRange('0', '9') && (text.Length == 1 || text[0] != '0')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length);
    }
}
