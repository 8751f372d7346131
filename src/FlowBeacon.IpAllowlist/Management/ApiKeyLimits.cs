using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// The fixed limits of key administration. The longest list is a setting: <see cref="ApiKeyManager.MaxAddressesPerKey"/>.
/// </summary>
public static class ApiKeyLimits
{
    /// <summary>The most characters (UTF-16 code units) of a name, after composition (NFC, UAX #15).</summary>
    public const int MaxNameLength = KeyNameRules.LongestName;

    /// <summary>The most characters (UTF-16 code units) of the note of an entry, after composition.</summary>
    public const int MaxNoteLength = KeyNameRules.LongestNote;

    /// <summary>The most characters (UTF-16 code units) of a description, after composition.</summary>
    public const int MaxDescriptionLength = KeyNameRules.LongestDescription;

    /// <summary>The shortest grace period of a rotation, in hours.</summary>
    public const int MinGraceHours = 1;

    /// <summary>The longest grace period of a rotation, in hours.</summary>
    public const int MaxGraceHours = 168;

    /// <summary>The grace period of a rotation where none is named, in hours.</summary>
    public const int DefaultGraceHours = 24;

    /// <summary>The most keys of one page of a listing.</summary>
    public const int MaxPageSize = 10_000;
}
