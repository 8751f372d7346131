using System.Globalization;
using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>
/// Reads instants of RFC 3339 §5.6, always with an offset: a time without one would depend on the machine. Leap seconds are refused,
/// because .NET does not support them.
/// </summary>
internal static partial class InstantText
{
    public const string Expected = "an instant with offset, such as 2027-01-31T00:00:00Z";

    /// <summary>
    /// The grammar, because the framework accepts more. Offsets are at most 14 hours, as in .NET. It is also a valid ECMA-262 regular
    /// expression.
    /// </summary>
    public const string Pattern =
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?"
        + "([Zz]|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$";

    public static bool TryParse(string? text, out DateTimeOffset instant)
    {
        instant = default;
        return text is not null && Grammar().IsMatch(text) && !text.EndsWith('\n')
            && DateTimeOffset.TryParse(text.ToUpperInvariant(), CultureInfo.InvariantCulture, DateTimeStyles.None, out instant);
    }

    [GeneratedRegex(Pattern, RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}
