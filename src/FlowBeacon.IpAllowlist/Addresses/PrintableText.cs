using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// Makes text from outside safe to print: bounded, ASCII only, no control characters, quotes or line breaks, and no raw key that was
/// pasted into the wrong place.
/// </summary>
internal static class PrintableText
{
    private const int LongestShown = 64;

    /// <summary>No address has a run of hex digits as long as this; a raw key or a hash has. The rest of a longer run is left out.</summary>
    private const int LongestHexRun = 10;

    /// <summary>
    /// The text between apostrophes, with everything outside printable ASCII escaped, the rest of long runs of hex digits left out, and
    /// the end cut off after 64 characters.
    /// </summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, LongestShown) + 2).Append('\'');
        int hexRun = 0;
        foreach (char character in text[..Math.Min(text.Length, LongestShown)])
        {
            hexRun = char.IsAsciiHexDigit(character) ? hexRun + 1 : 0;
            if (hexRun > LongestHexRun)
            {
                shown.Append(hexRun == LongestHexRun + 1 ? "..." : "");
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

        return shown.Append(text.Length > LongestShown ? "...'" : "'").ToString();
    }
}
