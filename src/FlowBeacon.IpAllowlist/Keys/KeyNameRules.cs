using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>
/// The rules for names and descriptions of keys, from any source, and for notes of entries. Names are compared without case, in the
/// composed form that is produced here.
/// </summary>
internal static class KeyNameRules
{
    public const int LongestName = 100;

    public const int LongestDescription = 500;

    public const int LongestNote = 200;

    /// <summary>
    /// Composing may change a length by a factor of three (UAX #15); a text longer than this is too long however it is composed.
    /// </summary>
    private const int MaxExpansion = 4;

    /// <summary>The prefix of published raw keys, regardless of the host's own prefix.</summary>
    private const string PublishedPrefix = "fb_live_";

    /// <summary>
    /// The most hex digits allowed behind a prefix. More could be part of a raw key; its 12 visible characters have four.
    /// </summary>
    private const int LongestHexRunBehindPrefix = 15;

    /// <summary>A raw key has 48 hex digits, a hash of one has 64, an identifier of another kind mostly 32.</summary>
    private const int LongestHexRun = 39;

    /// <summary>In globalization-invariant mode the framework silently composes nothing.</summary>
    private static readonly bool CanCompose = "e\u0301".Normalize(NormalizationForm.FormC).Length == 1;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>
    /// Characters that are invisible although they count as letters or marks: the rest of Default_Ignorable_Code_Point (UAX #44). The
    /// others with that property are format characters or unassigned.
    /// </summary>
    private static readonly (int First, int Last)[] Invisible =
    [
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    ];

    /// <summary>Reads a name: in composed form (NFC, UAX #15), so that one name has one spelling.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keyPrefix">How the host's raw keys begin; may be empty.</param>
    /// <param name="name">The name; empty if it is refused.</param>
    /// <param name="fault">
    /// Why it is refused, to follow the name of the field. It never repeats the text, which may be a raw key.
    /// </param>
    public static bool TryRead(string? text, string keyPrefix, out string name, [NotNullWhen(false)] out string? fault)
    {
        if (string.IsNullOrEmpty(text))
        {
            name = "";
            fault = $"must be 1 to {LongestName} characters, and has 0";
            return false;
        }

        return TryRead(
            text, keyPrefix, LongestName, $"must be 1 to {LongestName} characters", "write another name", out name, out fault);
    }

    /// <summary>Reads a description like a name; it may be empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keyPrefix">How the host's raw keys begin; may be empty.</param>
    /// <param name="description">The description; empty if it is refused.</param>
    /// <param name="fault">Why it is refused, as of a name.</param>
    public static bool TryReadDescription(string text, string keyPrefix, out string description, [NotNullWhen(false)] out string? fault) =>
        TryRead(
            text, keyPrefix, LongestDescription, $"must be at most {LongestDescription} characters", "leave it out", out description,
            out fault);

    /// <summary>Reads the note of an entry like a description; it may be empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keyPrefix">How the host's raw keys begin; may be empty.</param>
    /// <param name="note">The note; empty if it is refused.</param>
    /// <param name="fault">Why it is refused, as of a name.</param>
    public static bool TryReadNote(string text, string keyPrefix, out string note, [NotNullWhen(false)] out string? fault) =>
        TryRead(text, keyPrefix, LongestNote, $"must be at most {LongestNote} characters", "leave it out", out note, out fault);

    private static bool TryRead(
        string text, string keyPrefix, int longest, string expected, string remedy, out string read, [NotNullWhen(false)] out string? fault)
    {
        read = "";
        if (text.Length > MaxExpansion * longest)
        {
            fault = $"{expected}, and has {text.Length}";
        }
        else if (text.Length == 0)
        {
            fault = null;
        }
        else if (char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]) || text.Any(char.IsControl))
        {
            fault = "must not begin or end with white space, nor contain control characters";
        }
        else if (Find(text, IsForbidden) is { } forbidden)
        {
            fault = $"contains U+{forbidden:X4}, which is invisible, changes the display of other characters, or has no fixed meaning;"
                + " leave it out";
        }
        else if (!CanCompose && Find(text, MayCombine) is { } combining)
        {
            fault = $"contains U+{combining:X4}, which combines with another character, and this process runs in"
                + " globalization-invariant mode, which cannot compose characters; leave it out, or turn that mode off";
        }
        else
        {
            // After the check, because text with an unpaired surrogate or a noncharacter cannot be composed.
            string composed = text.Normalize(NormalizationForm.FormC);
            fault = composed.Length > longest ? $"{expected}, and has {composed.Length}"
                : LooksLikeRawKey(composed, keyPrefix) ? $"looks like a raw key, or contains one; {remedy}"
                : null;
            read = fault is null ? composed : "";
        }

        return fault is null;
    }

    /// <summary>A part of a name in composed form; unchanged if it cannot be composed, and so cannot occur in a name.</summary>
    public static string Compose(string text) =>
        Find(text, IsForbidden) is null ? text.Normalize(NormalizationForm.FormC) : text;

    /// <summary>The first code point that is not allowed in a name, unpaired surrogates included; null if there is none.</summary>
    private static int? Find(ReadOnlySpan<char> text, Predicate<Rune> isSought)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) != OperationStatus.Done)
            {
                return text[0];
            }

            if (isSought(rune))
            {
                return rune.Value;
            }

            text = text[length..];
        }

        return null;
    }

    private static bool IsForbidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || Array.Exists(Invisible, range => rune.Value >= range.First && rune.Value <= range.Last);

    /// <summary>Marks, and the second and third letters of a Hangul syllable: characters that are composed with the one before.</summary>
    private static bool MayCombine(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        || rune.Value is >= 0x1160 and <= 0x11FF;

    private static bool LooksLikeRawKey(ReadOnlySpan<char> text, string keyPrefix) =>
        HasHexRunBehind(text, "", LongestHexRun)
        || HasHexRunBehind(text, PublishedPrefix, LongestHexRunBehindPrefix)
        || (keyPrefix.Length > 0 && HasHexRunBehind(text, keyPrefix, LongestHexRunBehindPrefix));

    /// <summary>
    /// Whether a prefix, in any case, is followed by more hex digits than are allowed; behind an empty one, whether any digits are.
    /// </summary>
    private static bool HasHexRunBehind(ReadOnlySpan<char> text, string prefix, int longest)
    {
        for (int start = text.IndexOf(prefix, StringComparison.OrdinalIgnoreCase); start >= 0;)
        {
            ReadOnlySpan<char> behind = text[(start + prefix.Length)..];
            int run = behind.IndexOfAnyExcept(HexDigits);
            if ((run < 0 ? behind.Length : run) > longest)
            {
                return true;
            }

            text = text[Math.Min(start + 1, text.Length)..];
            start = text.IsEmpty ? -1 : text.IndexOf(prefix, StringComparison.OrdinalIgnoreCase);
        }

        return false;
    }
}
