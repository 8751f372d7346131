using System.Globalization;
using System.Runtime.CompilerServices;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// Parses an address strictly and without allocation. It accepts only four decimal octets without leading zeros and every
/// legal spelling of an IPv6 address (RFC 4291 §2.2).
/// </summary>
/// <remarks>
/// <see cref="System.Net.IPAddress"/> is not used: it accepts <c>1</c>, <c>127.1</c>, <c>0x7f.0.0.1</c>, reads <c>010.0.0.1</c> as
/// 8.0.0.1 and drops zone ids: an allowlist would then admit unintended addresses.
/// </remarks>
internal static class IpAddressParser
{
    /// <summary>Reads an allowlist entry: an address with nothing around it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddressValue value)
    {
        // An IPv6 address has a colon among its first five characters, an IPv4 address has none at all.
        if (text[..Math.Min(text.Length, 5)].Contains(':'))
        {
            return TryParseIPv6(text, out value);
        }

        bool isIPv4 = TryParseIPv4(text, out uint bits);
        value = isIPv4 ? IpAddressValue.FromIPv4(bits) : default;
        return isIPv4;
    }

    /// <summary>Reads one member of X-Forwarded-For: <c>v4</c>, <c>v4:p</c>, <c>v6</c>, <c>[v6]</c>, <c>[v6]:p</c>.</summary>
    /// <remarks>The port is checked (1 to 5 digits, at most 65535) and dropped.</remarks>
    public static bool TryParseForwarded(ReadOnlySpan<char> text, out IpAddressValue value)
    {
        value = default;
        if (text.StartsWith('['))
        {
            int end = text.IndexOf(']');
            return end > 0 && IsPortOrNothing(text[(end + 1)..]) && TryParseIPv6(text[1..end], out value);
        }

        // A single colon can only precede a port: the shortest IPv6 address, "::", has two.
        int colon = text.IndexOf(':');
        if (colon < 0 || text[(colon + 1)..].Contains(':'))
        {
            return TryParse(text, out value);
        }

        bool accepted = TryParseIPv4(text[..colon], out uint bits) && IsPortOrNothing(text[colon..]);
        value = accepted ? IpAddressValue.FromIPv4(bits) : default;
        return accepted;
    }

    /// <summary>Reads four decimal octets and nothing else.</summary>
    public static bool TryParseIPv4(ReadOnlySpan<char> text, out uint bits)
    {
        bits = 0;
        int position = 0;
        for (int octet = 0; octet < 4; octet++)
        {
            if (octet > 0 && (position == text.Length || text[position++] != '.'))
            {
                return false;
            }

            int start = position;
            uint number = 0;
            while (position < text.Length && char.IsAsciiDigit(text[position]) && position - start < 3)
            {
                number = (number * 10) + (uint)(text[position++] - '0');
            }

            int digits = position - start;
            if (digits == 0 || number > 255 || (digits > 1 && text[start] == '0'))
            {
                return false;
            }

            bits = (bits << 8) | number;
        }

        return position == text.Length;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, out IpAddressValue value)
    {
        value = default;
        UInt128 bits = 0;
        int groups = 0;
        int groupsBeforeCompression = -1;
        int position = 0;
        if (text.StartsWith("::"))
        {
            groupsBeforeCompression = 0;
            position = 2;
        }

        while (position < text.Length)
        {
            int start = position;
            uint group = 0;
            while (position < text.Length && char.IsAsciiHexDigit(text[position]) && position - start < 4)
            {
                group = (group << 4) | HexValue(text[position++]);
            }

            if (position < text.Length && text[position] == '.')
            {
                // The last 32 bits may be written as an IPv4 address (RFC 4291 §2.2, form 3).
                if (groups > 6 || !TryParseIPv4(text[start..], out uint dotted))
                {
                    return false;
                }

                bits = (bits << 32) | dotted;
                groups += 2;
                break;
            }

            if (position == start || groups == 8)
            {
                return false;
            }

            bits = (bits << 16) | group;
            groups++;
            if (position == text.Length)
            {
                break;
            }

            if (text[position++] != ':' || position == text.Length)
            {
                return false;
            }

            if (text[position] == ':')
            {
                if (groupsBeforeCompression >= 0)
                {
                    return false;
                }

                groupsBeforeCompression = groups;
                position++;
            }
        }

        if (groupsBeforeCompression < 0)
        {
            value = new(bits);
            return groups == 8;
        }

        // "::" stands for one or more groups of zeros.
        if (groups > 7)
        {
            return false;
        }

        int groupsAfter = groups - groupsBeforeCompression;
        UInt128 tail = bits & ((UInt128.One << (16 * groupsAfter)) - 1);
        UInt128 head = groupsBeforeCompression == 0 ? 0 : (bits >> (16 * groupsAfter)) << (16 * (8 - groupsBeforeCompression));
        value = new(head | tail);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint HexValue(char digit) => char.IsAsciiDigit(digit) ? digit - (uint)'0' : (digit | 0x20u) - 'a' + 10;

    /// <summary>Accepts nothing, or a colon and a port from 0 to 65535 in 1 to 5 digits.</summary>
    /// <remarks>Digits are checked separately, because the framework's number parser accepts trailing NUL characters.</remarks>
    private static bool IsPortOrNothing(ReadOnlySpan<char> text) =>
        text.IsEmpty
        || (text[0] == ':' && text.Length is >= 2 and <= 6 && !text[1..].ContainsAnyExceptInRange('0', '9')
            && ushort.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out _));
}
