using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>Makes text from outside safe to print: bounded, ASCII only, no control characters, quotes or line breaks.</summary>
internal static class PrintableText
{
    public const int LongestShown = 64;

    /// <summary>Longer runs of hex digits do not occur in addresses, but in raw keys and hashes.</summary>
    private const int LongestHexRun = 10;

    /// <summary>How many characters of such a run are shown after an underscore, so that 12 characters of a raw key are shown.</summary>
    private const int LongestHexRunOfKey = 4;

    /// <summary>
    /// A text that should be an address or similar, in apostrophes: escaped and bounded, with long runs of hex digits cut, because a raw
    /// key may have been pasted by mistake.
    /// </summary>
    public static string Quote(ReadOnlySpan<char> text) => $"'{Cut(text)}'";

    /// <summary>The same without the apostrophes.</summary>
    public static string Cut(ReadOnlySpan<char> text) => Escape(text, leaveOutHexRuns: true);

    /// <summary>Escaped and bounded only, for the ids of people, which may be long runs of hex digits.</summary>
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
