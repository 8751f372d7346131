using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using CsCheck;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Generated addresses in their many legal spellings, and texts that only come close.</summary>
internal static class AddressGen
{
    private const string Alphabet = "00112589abcdefABCDEF::::...";
    private const string Strange = "gxX[]%/-*,;_\"' \t\r\n\0\u00a0\u00b2\u0661\uff11\uff0e";

    private static readonly Gen<ushort> Group = Gen.Frequency(
        (5, Gen.Const((ushort)0)),
        (1, Gen.Const((ushort)0xffff)),
        (1, Gen.Int[1, 15].Select(number => (ushort)number)),
        (4, Gen.UShort));

    private static readonly Gen<ushort[]> Tail =
        Gen.OneOf(Gen.Byte, Gen.OneOf<byte>(0, 1, 9, 10, 99, 100, 199, 200, 249, 250, 255)).Array[4]
        .Select(octets => new[] { (ushort)((octets[0] << 8) | octets[1]), (ushort)((octets[2] << 8) | octets[3]) });

    public static Gen<ushort[]> IPv4Groups { get; } = Tail.Select(tail => new ushort[] { 0, 0, 0, 0, 0, 0xffff, tail[0], tail[1] });

    public static Gen<ushort[]> Groups { get; } = Gen.Frequency(
        (4, IPv4Groups),
        (4, Group.Array[8]),
        (1, Embedding(0, 0, 0, 0, 0, 0)),
        (1, Embedding(0, 0, 0, 0, 0xffff, 0)),
        (1, Embedding(0x64, 0xff9b, 0, 0, 0, 0)),
        (1, Embedding(0x2001, 0xdb8, 0, 0, 0, 0x5efe)),
        (1, Tail.Select(tail => new ushort[] { 0x2002, tail[0], tail[1], 0, 0, 0, 0, 1 })),
        (1, Tail.Select(tail => new ushort[] { 0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, tail[0], tail[1] })));

    /// <summary>Any legal spelling of any address.</summary>
    public static Gen<SpelledAddress> Spelled { get; } = Spellings(Groups);

    /// <summary>Text that is an address, is an address with a few characters changed, or is made of the grammar's characters.</summary>
    public static Gen<string> Text { get; } = Gen.Frequency(
        (3, Spelled.Select(address => address.Text)),
        (5, Mutated(Spelled.Select(address => address.Text))),
        (1, Gen.Int[0, 300].Array[3, 5].Select(octets => string.Join('.', octets))),
        (2, Gen.String[Gen.Char[Alphabet], 0, 24]),
        (1, Gen.String[Gen.Char[Alphabet + Strange], 0, 12]));

    /// <summary>Any legal spelling of any network but those that hold a whole family.</summary>
    public static Gen<SpelledNetwork> SpelledNetworks { get; } = Networks(Groups);

    /// <summary>Text that is an entry, comes close, or is an address with a prefix length, legal or not.</summary>
    public static Gen<string> EntryText { get; } = Gen.Frequency(
        (2, Text),
        (4, SpelledNetworks.Select(network => network.Text)),
        (3, Mutated(SpelledNetworks.Select(network => network.Text))),
        (3, Gen.Select(Text, Gen.Int[0, 140], (text, length) => $"{text}/{length}")),
        (1, Gen.Select(Spelled, Gen.OneOf("", "0", "00", "08", "-1", "+8", " 8", "8 ", "8/8", "0x8", "255.0.0.0", "4294967304"),
            (address, length) => $"{address.Text}/{length}")));

    /// <summary>The same, with brackets and ports as they occur in X-Forwarded-For, sound and broken.</summary>
    public static Gen<string> ForwardedText { get; } = Gen.Select(
        Text,
        Gen.OneOf(
            "{0}", "{0}", "{0}:{1}", "[{0}]", "[{0}]:{1}", "[{0}", "{0}]", "[[{0}]]", "[{0}]{1}", "{0}:", "[{0}]:", "[{0}]:+{1}",
            "[{0}]:{1} "),
        Gen.OneOf(Gen.Int[0, 70000], Gen.OneOf(0, 80, 65535, 65536, 99999, 100000, int.MaxValue)),
        (text, shape, port) => string.Format(CultureInfo.InvariantCulture, shape, text, port));

    /// <summary>Legal spellings of the given addresses.</summary>
    public static Gen<SpelledAddress> Spellings(Gen<ushort[]> groups) => Gen.Select(
        groups,
        Gen.Bool,
        Gen.Bool,
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 8]),
        Gen.Int[0, 7].Array[8],
        (address, plain, dotted, compressed, styles) => new SpelledAddress(
            Spell(address, plain, dotted, compressed.Item1, compressed.Item2, styles),
            string.Concat(address.Select(group => $"{group:x4}"))));

    /// <summary>Legal spellings of networks of the given addresses.</summary>
    public static Gen<SpelledNetwork> Networks(Gen<ushort[]> groups) =>
        Gen.Select(groups, Gen.Int[1, 128], (address, length) => (Address: address, Length: LengthOf(address, length)))
            .SelectMany(network => Spellings(Gen.Const(Masked(network.Address, network.Length))).Select(start => new SpelledNetwork(
                start, network.Length,
                $"{start.Text}/{network.Length - (start.Text.Contains(':', StringComparison.Ordinal) ? 0 : 96)}")));

    /// <summary>The address as X-Forwarded-For may have it: bare, or with brackets or a port.</summary>
    public static Gen<SpelledAddress> ForwardedSpellings(Gen<ushort[]> groups) => Gen.Select(
        Spellings(groups),
        Gen.OneOf("", "", ":0", ":443", ":65535", ":00080"),
        Gen.Bool,
        (address, port, brackets) => address.Text.Contains(':', StringComparison.Ordinal)
            ? address with { Text = port.Length > 0 || brackets ? $"[{address.Text}]{port}" : address.Text }
            : address with { Text = address.Text + port });

    /// <summary>One of the given addresses.</summary>
    public static Gen<ushort[]> GroupsOf(params string[] addresses) => Gen.OneOf<ushort[]>([.. addresses.Select(text =>
        IPAddress.Parse(text).MapToIPv6().GetAddressBytes().Chunk(2)
            .Select(bytes => BinaryPrimitives.ReadUInt16BigEndian(bytes))
            .ToArray())]);

    /// <summary>No line or a few of X-Forwarded-For, each with any number of the given members, set apart by commas and blanks.</summary>
    public static Gen<string[]> ForwardedForLines(Gen<string> member)
    {
        Gen<string> blanks = Gen.OneOf("", "", " ", "\t", "  ", " \t ");
        Gen<string> padded = Gen.Select(blanks, member, blanks, (before, text, after) => before + text + after);
        return padded.Array[0, 12].Select(members => string.Join(',', members)).Array[0, 4];
    }

    private static Gen<ushort[]> Embedding(params ushort[] prefix) => Tail.Select(tail => (ushort[])[.. prefix, .. tail]);

    /// <summary>A prefix length over 128 bits that a network of the address can have.</summary>
    private static int LengthOf(ushort[] groups, int length) =>
        groups[..6].SequenceEqual(new ushort[] { 0, 0, 0, 0, 0, 0xffff }) ? 97 + (length % 32) : length;

    private static ushort[] Masked(ushort[] groups, int length) =>
        [.. groups.Select((group, index) => (ushort)(group & (0xffff << Math.Clamp((16 * (index + 1)) - length, 0, 16))))];

    private static Gen<string> Mutated(Gen<string> texts) => Gen.Select(
        texts,
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 40], Gen.Char[Alphabet + Strange]).Array[1, 3],
        (text, changes) => changes.Aggregate(text, (changed, change) => Mutate(changed, change.Item1, change.Item2, change.Item3)));

    private static string Mutate(string text, int kind, int place, char character)
    {
        int at = place % (text.Length + 1);
        return kind switch
        {
            0 => text.Insert(at, character.ToString()),
            1 => text[..at] + text[Math.Min(at + 1, text.Length)..],
            2 => text[..at] + character + text[Math.Min(at + 1, text.Length)..],
            3 => text.Insert(at, text[Math.Max(at - 1, 0)..at]),
            _ => text[..at],
        };
    }

    private static string Spell(ushort[] groups, bool plain, bool dotted, int compressFrom, int compressAtMost, int[] styles)
    {
        string tail = string.Join('.', groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255);
        if (plain && groups[..6].SequenceEqual(new ushort[] { 0, 0, 0, 0, 0, 0xffff }))
        {
            return tail;
        }

        List<string> written =
        [
            .. groups.Zip(styles, (group, style) => group.ToString(style % 2 == 0 ? "x" : "X", null).PadLeft(1 + (style / 2), '0')),
        ];
        if (dotted)
        {
            written.RemoveRange(6, 2);
            written.Add(tail);
        }

        int compressTo = compressFrom;
        while (compressTo < (dotted ? 6 : 8) && compressTo - compressFrom < compressAtMost && groups[compressTo] == 0)
        {
            compressTo++;
        }

        return compressTo == compressFrom
            ? string.Join(':', written)
            : $"{string.Join(':', written.Take(compressFrom))}::{string.Join(':', written.Skip(compressTo))}";
    }
}
