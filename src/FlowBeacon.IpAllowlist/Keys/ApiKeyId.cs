namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>Ids of keys that key administration creates.</summary>
internal static class ApiKeyId
{
    /// <summary>The prefix of ids. A configured key with a name of that form could hide such a key.</summary>
    public const string Prefix = "key_";

    /// <summary>Creates an id. Ids sort by creation time (RFC 9562 §5.7), so that listings are in the order of creation.</summary>
    public static string New(TimeProvider time) => $"{Prefix}{Guid.CreateVersion7(time.GetUtcNow()):N}";

    /// <summary>What a chosen id must be.</summary>
    public const string Expected = $"{Prefix} and 32 lowercase hex digits, such as those of a UUID";

    /// <summary>Whether a text is such an id in the only accepted spelling.</summary>
    public static bool IsCanonical(string text) =>
        text.Length == Prefix.Length + 32
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text[Prefix.Length..].All(char.IsAsciiHexDigitLower);

    /// <summary>Whether a text has the form of such an id.</summary>
    public static bool IsOne(string text) =>
        text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(text.AsSpan(Prefix.Length), "N", out _);
}
