namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>Ids of keys that key administration makes.</summary>
internal static class ApiKeyId
{
    /// <summary>How they begin. A configured key with a name of that form would take such a key's place.</summary>
    public const string Prefix = "key_";

    /// <summary>Makes an id. Ids sort by the time they were made (RFC 9562 §5.7), so that a listing is in the order of creation.</summary>
    public static string New(TimeProvider time) => $"{Prefix}{Guid.CreateVersion7(time.GetUtcNow()):N}";

    /// <summary>What a chosen id must be.</summary>
    public const string Expected = $"{Prefix} and 32 lowercase hex digits, such as those of a UUID";

    /// <summary>Whether a text is such an id in the one spelling that is taken.</summary>
    public static bool IsCanonical(string text) =>
        text.Length == Prefix.Length + 32
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text[Prefix.Length..].All(char.IsAsciiHexDigitLower);

    /// <summary>Whether a text has the form of such an id.</summary>
    public static bool IsOne(string text) =>
        text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(text.AsSpan(Prefix.Length), "N", out _);
}
