namespace FlowBeacon.IpAllowlist.Common;

/// <summary>Names in HTTP: of headers and authentication schemes (RFC 9110 §5.6.2).</summary>
internal static class HttpToken
{
    /// <summary>Whether a text can be such a name.</summary>
    public static bool IsOne(string? text) => !string.IsNullOrEmpty(text) && text.All(IsTokenCharacter);

    private static bool IsTokenCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || "!#$%&'*+-.^_`|~".Contains(character, StringComparison.Ordinal);
}
