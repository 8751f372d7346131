using System.Globalization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Explains why a text that the parser refused is not an allowlist entry, and what to write instead.</summary>
internal static class IpAddressErrorMessage
{
    private const string Range = "is a CIDR range; list each address";

    /// <summary>A sentence without a full stop, such as <c>'10.0.0.0/8' is a CIDR range; list each address</c>.</summary>
    public static string For(string? text) => For(text, Range);

    /// <summary>The same for an entry of an allowlist that may have no ranges, although a host can allow them.</summary>
    public static string ForEntry(string? text) => For(text, $"{Range}, or allow ranges with AllowCidrRanges");

    /// <summary>
    /// The faults that an address and a network have in common, in the text around or between them; null if there is none.
    /// </summary>
    public static string? ReasonInAnyText(string text)
    {
        if (text.Any(char.IsWhiteSpace))
        {
#pragma warning disable RS0030 // Any white space is meant: the text was refused already.
            return text.Trim().Any(char.IsWhiteSpace)
#pragma warning restore RS0030
                ? "contains white space; write one address per entry"
                : "has white space around it; remove it";
        }

        if (text.Any(character => !char.IsAscii(character) || char.IsControl(character)))
        {
            return "contains characters that are not allowed in an address; write digits, dots and colons (a to f in IPv6) in ASCII";
        }

        if (text.AsSpan().ContainsAny('"', '\'', '`'))
        {
            return "is in quotes; remove them";
        }

        if (text.AsSpan().ContainsAny(',', ';', '|'))
        {
            return "is more than one address; write one address per entry";
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            return "is a URL; write the address alone";
        }

        return null;
    }

    private static string For(string? text, string range) => string.IsNullOrEmpty(text)
        ? "an entry is empty; remove it or write an address"
        : $"{PrintableText.Quote(text)} {ReasonInAnyText(text) ?? Reason(text, range)}";

    private static string Reason(string text, string range)
    {
        if (text.Contains('/', StringComparison.Ordinal))
        {
            return range;
        }

        if (text.Contains('*', StringComparison.Ordinal))
        {
            return "is a wildcard; list each address";
        }

        if (text.Contains('%', StringComparison.Ordinal))
        {
            return "has a zone id; remove it from '%' on: a zone is valid on one machine only";
        }

        if (text.AsSpan().ContainsAny('[', ']'))
        {
            return text.Contains("]:", StringComparison.Ordinal)
                ? "has brackets and a port; write the address alone"
                : "has brackets; write the address without them";
        }

        return text.Contains(':', StringComparison.Ordinal) ? ReasonWithColon(text) : ReasonWithoutColon(text);
    }

    private static string ReasonWithColon(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon == text.LastIndexOf(':'))
        {
            return IpAddressParser.TryParse(text.AsSpan(0, colon), out IpAddressValue address)
                ? $"has a port; an allowlist has none, write {address}"
                : "is a host and a port; write the address alone";
        }

        if (IsRange(text))
        {
            return "is a range; list each address";
        }

        int tail = text.LastIndexOf(':') + 1;
        bool isTailFaulty = text.AsSpan(tail).Contains('.') && !IpAddressParser.TryParse(text.AsSpan(tail), out _);
        return isTailFaulty && DottedReason(text[..tail], text[tail..]) is { } reason
            ? reason
            : "is not a legal IPv6 address; write eight groups of hex digits, or fewer with one '::'";
    }

    private static string ReasonWithoutColon(string text)
    {
        if (IsRange(text))
        {
            return "is a range; list each address";
        }

        if (text.Contains("0x", StringComparison.OrdinalIgnoreCase) && text.Split('.').All(IsHexOrDecimal))
        {
            return "is written in hex; write four decimal octets, such as 10.0.0.1";
        }

        return DottedReason("", text) ?? (text.Equals("unknown", StringComparison.OrdinalIgnoreCase)
            ? "is not an address; remove it or write an address"
            : "is a host name or not an address; list each of its addresses");
    }

    /// <summary>The fault of four octets, alone or at the end of an IPv6 address; null for a text not made of digits and dots.</summary>
    private static string? DottedReason(string head, string text)
    {
        if (!text.All(character => char.IsAsciiDigit(character) || character == '.'))
        {
            return null;
        }

        string[] octets = text.Split('.');
        if (octets.Any(octet => octet.Length > 1 && octet[0] == '0'))
        {
            string[] decimals = [.. octets.Select(octet => octet.TrimStart('0') is { Length: > 0 } digits ? digits : "0")];
            string remedy = IpAddressParser.TryParse(head + string.Join('.', decimals), out IpAddressValue address) ? address.ToString()
                : head.Length == 0 ? "10.0.0.1, four decimal octets without one"
                : "the last 32 bits without one";
            return $"has a leading zero: octal or decimal? write {remedy}";
        }

        if (octets.Length < 4 && octets.All(octet => octet.Length > 0))
        {
            return "is a short form; write four decimal octets, such as 10.0.0.1";
        }

        return octets.Length == 4 && octets.All(octet => octet.Length > 0)
            ? "has an octet above 255; write four numbers from 0 to 255"
            : "is not an IPv4 address; write four decimal octets, such as 10.0.0.1";
    }

    private static bool IsRange(string text)
    {
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && IpAddressParser.TryParse(text.AsSpan(0, dash), out _);
    }

    private static bool IsHexOrDecimal(string part) =>
        part.All(char.IsAsciiDigit)
        || (part.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(part.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _));
}
