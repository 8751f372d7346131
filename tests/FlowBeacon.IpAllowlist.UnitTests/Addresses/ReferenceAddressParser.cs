using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>
/// The address grammar once more, slowly and with other means: what the parser is measured against. An address is its 128 bits as 32
/// lower-case hex digits, an IPv4 address in its mapped form; null is a refusal.
/// </summary>
internal static partial class ReferenceAddressParser
{
    private const string MappedPrefix = "00000000000000000000ffff";

    public static string? Read(string text) => ReadIPv4(text) is { } hex ? MappedPrefix + hex : ReadIPv6(text);

    /// <summary>Reads an entry: the hex digits of its first address, and its prefix length over 128 bits behind a slash.</summary>
    public static string? ReadEntry(string text, int minIPv4PrefixLength, int minIPv6PrefixLength)
    {
        string[] parts = text.Split('/');
        if (Read(parts[0]) is not { } address || parts.Length > 2)
        {
            return null;
        }

        if (parts.Length == 1)
        {
            return $"{address}/128";
        }

        if (!PrefixLength().IsMatch(parts[1]))
        {
            return null;
        }

        int length = int.Parse(parts[1], CultureInfo.InvariantCulture) + (parts[0].Contains(':', StringComparison.Ordinal) ? 0 : 96);
        int shortest = address.StartsWith(MappedPrefix, StringComparison.Ordinal) ? 96 + minIPv4PrefixLength : minIPv6PrefixLength;
        return length >= shortest && length <= 128 && !Bits(address)[length..].Contains('1', StringComparison.Ordinal)
            ? $"{address}/{length}"
            : null;
    }

    /// <summary>The 128 bits of an address as zeros and ones.</summary>
    public static string Bits(string hex) => string.Concat(hex.Select(digit => $"{Convert.ToInt32(digit.ToString(), 16):b4}"));

    public static string? ReadForwarded(string text)
    {
        Match bracketed = Bracketed().Match(text);
        if (bracketed.Success)
        {
            return IsPort(bracketed.Groups["port"]) ? ReadIPv6(bracketed.Groups["address"].Value) : null;
        }

        Match withPort = WithPort().Match(text);
        if (withPort.Success)
        {
            return IsPort(withPort.Groups["port"]) && ReadIPv4(withPort.Groups["address"].Value) is { } hex ? MappedPrefix + hex : null;
        }

        return Read(text);
    }

    private static bool IsPort(Group port) => !port.Success || BigInteger.Parse(port.Value, CultureInfo.InvariantCulture) < 65536;

    private static string? ReadIPv4(string text)
    {
        if (!FourNumbers().IsMatch(text))
        {
            return null;
        }

        int[] octets = [.. text.Split('.').Select(octet => int.Parse(octet, CultureInfo.InvariantCulture))];
        return octets.Max() <= 255 ? string.Concat(octets.Select(octet => $"{octet:x2}")) : null;
    }

    private static string? ReadIPv6(string text)
    {
        Match dotted = DottedTail().Match(text);
        if (dotted.Success)
        {
            if (ReadIPv4(dotted.Value) is not { } hex)
            {
                return null;
            }

            text = $"{text[..dotted.Index]}{hex[..4]}:{hex[4..]}";
        }

        string[][] sides = [.. text.Split("::").Select(side => side.Length == 0 ? [] : side.Split(':'))];
        if (sides.Length > 2 || !sides.SelectMany(side => side).All(group => HexGroup().IsMatch(group)))
        {
            return null;
        }

        int written = sides.Sum(side => side.Length);
        if (sides.Length == 1 ? written != 8 : written > 7)
        {
            return null;
        }

        IEnumerable<string> zeros = Enumerable.Repeat("0", 8 - written);
        IEnumerable<string> groups = sides[0].Concat(zeros).Concat(sides.Skip(1).SelectMany(side => side));
        return string.Concat(groups.Select(group => group.PadLeft(4, '0'))).ToLowerInvariant();
    }

    [GeneratedRegex(@"\A(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}\z", RegexOptions.CultureInvariant)]
    private static partial Regex FourNumbers();

    [GeneratedRegex(@"(?<=:)[^:]*\.[^:]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex DottedTail();

    [GeneratedRegex(@"\A[0-9A-Fa-f]{1,4}\z", RegexOptions.CultureInvariant)]
    private static partial Regex HexGroup();

    [GeneratedRegex(@"\A(0|[1-9][0-9]{0,2})\z", RegexOptions.CultureInvariant)]
    private static partial Regex PrefixLength();

    [GeneratedRegex(@"\A\[(?<address>[^\]]*)\](:(?<port>[0-9]{1,5}))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Bracketed();

    [GeneratedRegex(@"\A(?<address>[^:]*):(?<port>[0-9]{1,5})\z", RegexOptions.CultureInvariant)]
    private static partial Regex WithPort();
}
