using System.Globalization;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>Reads instants of RFC 3339 §5.6, always with an offset.</summary>
internal static class InstantText
{
    public const string Expected = "an instant with offset, such as 2027-01-31T00:00:00Z";

    /// <summary>Date, time, a fraction if there is one, and the offset.</summary>
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK";

    public static bool TryParse(string? text, out DateTimeOffset instant)
    {
        // The framework alone would read a time without an offset as local time, which depends on the machine, and one without a date as
        // today's.
        instant = default;
        return DateTime.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out DateTime time)
            && time.Kind != DateTimeKind.Unspecified
            && DateTimeOffset.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out instant);
    }
}
