using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>The scopes of the host, and the message about unknown ones.</summary>
/// <param name="all">Every scope of the host, each once.</param>
internal sealed class ScopeRules(IReadOnlyList<string> all)
{
    public const int MaxLength = 100;

    /// <summary>Every scope of the host, each once.</summary>
    public IReadOnlyList<string> All => all;

    /// <summary>Why a text is refused as a scope of a key or an endpoint; null if it is one of the host's.</summary>
    public string? FaultOf(string? scope) =>
        scope is not null && all.Contains(scope) ? null
        : all.Count == 0 ? $"{PrintableText.Quote(scope)} is not a scope; this application has none"
        : $"{PrintableText.Quote(scope)} is not a scope; the scopes are {string.Join(", ", all)}";

    /// <summary>Why a list cannot be the host's scopes; null if it can.</summary>
    public static string? FaultOf(IReadOnlyList<string?> scopes)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string? scope in scopes)
        {
            if (string.IsNullOrEmpty(scope) || scope.Length > MaxLength || !scope.All(IsScopeCharacter))
            {
                return $"{PrintableText.Quote(scope)} cannot be a scope; write 1 to {MaxLength} visible ASCII characters other than"
                    + " quotes and backslashes";
            }

            if (!seen.Add(scope))
            {
                return $"{PrintableText.Quote(scope)} occurs twice; list each scope once";
            }
        }

        return null;
    }

    // RFC 6749 §3.3.
    private static bool IsScopeCharacter(char character) => character is > ' ' and <= '~' and not ('"' or '\\');
}
