using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Makes text from outside safe to print: bounded, ASCII only, no control characters, quotes or line breaks.</summary>
internal static class PrintableText
{
    private const int LongestShown = 64;

    /// <summary>The text between apostrophes, with everything outside printable ASCII escaped and the end cut off after 64 characters.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, LongestShown) + 2).Append('\'');
        foreach (char character in text[..Math.Min(text.Length, LongestShown)])
        {
            if (character is >= ' ' and <= '~' and not ('\'' or '\\'))
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
