using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>Makes text from outside safe to print: bounded, ASCII only, no control characters, quotes or line breaks.</summary>
internal static class PrintableText
{
    public const int LongestShown = 64;

    /// <summary>No address has a run of hex digits as long as this; a raw key or a hash has.</summary>
    private const int LongestHexRun = 10;

    /// <summary>How much of such a run is shown behind an underscore: a raw key is then shown by its first 12 characters.</summary>
    private const int LongestHexRunOfKey = 4;

    /// <summary>
    /// A text that should be an address or the like, between apostrophes: escaped and bounded, without the rest of long runs of hex
    /// digits, because what was pasted into the wrong place may be a raw key.
    /// </summary>
    public static string Quote(ReadOnlySpan<char> text) => $"'{Cut(text)}'";

    /// <summary>The same without the apostrophes.</summary>
    public static string Cut(ReadOnlySpan<char> text) => Escape(text, leaveOutHexRuns: true);

    /// <summary>Escaped and bounded only, for the ids of people, which may well be long runs of hex digits.</summary>
    public static string Escape(ReadOnlySpan<char> text) => Escape(text, leaveOutHexRuns: false);

    private static string Escape(ReadOnlySpan<char> text, bool leaveOutHexRuns)
    {
        var shown = new StringBuilder(Math.Min(text.Length, LongestShown));
        int hexRun = 0;
        int longestHexRun = LongestHexRun;
        foreach (char character in text[..Math.Min(text.Length, LongestShown)])
        {
            hexRun = char.IsAsciiHexDigit(character) ? hexRun + 1 : 0;
            if (hexRun == 0)
            {
                longestHexRun = character == '_' ? LongestHexRunOfKey : LongestHexRun;
            }

            if (leaveOutHexRuns && hexRun > longestHexRun)
            {
                shown.Append(hexRun == longestHexRun + 1 ? "..." : "");
            }
            else if (character is >= ' ' and <= '~' and not ('\'' or '\\'))
            {
                shown.Append(character);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
        }

        return shown.Append(text.Length > LongestShown ? "..." : "").ToString();
    }
}
