using System.Buffers;
using System.Globalization;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>Short forms of texts that nearly all keys have: a store holds a million of them.</summary>
internal static class ApiKeyPacking
{
    /// <summary>How the ids begin that key administration makes; 32 lowercase hex digits follow.</summary>
    private const string IdStart = ApiKeyId.Prefix;

    /// <summary>How usual prefixes begin; four lowercase hex digits follow.</summary>
    private const string PrefixStart = "fb_live_";

    private static readonly SearchValues<char> LowercaseHex = SearchValues.Create("0123456789abcdef");

    /// <summary>Every subset of the scopes, in their published order: a bit for each.</summary>
    private static readonly IReadOnlyList<string>[] ScopeSubsets =
        [.. Enumerable.Range(0, 1 << ApiKeyScopes.All.Count).Select(subset => (IReadOnlyList<string>)[.. ApiKeyScopes.All.Where((_, bit) => (subset & (1 << bit)) != 0)])];

    /// <summary>The number of an id; zero, which no id has, if it is of another form.</summary>
    public static UInt128 PackId(string id) =>
        id.Length == IdStart.Length + 32 && id.StartsWith(IdStart, StringComparison.Ordinal)
        && !id.AsSpan(IdStart.Length).ContainsAnyExcept(LowercaseHex)
            ? UInt128.Parse(id.AsSpan(IdStart.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : 0;

    public static string UnpackId(UInt128 number) => string.Create(CultureInfo.InvariantCulture, $"{IdStart}{number:x32}");

    public static bool TryPackPrefix(string prefix, out ushort packed)
    {
        packed = 0;
        return prefix.Length == ApiKey.PrefixLength && prefix.StartsWith(PrefixStart, StringComparison.Ordinal)
            && !prefix.AsSpan(PrefixStart.Length).ContainsAnyExcept(LowercaseHex)
            && ushort.TryParse(prefix.AsSpan(PrefixStart.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out packed);
    }

    public static string UnpackPrefix(ushort packed) => string.Create(CultureInfo.InvariantCulture, $"{PrefixStart}{packed:x4}");

    /// <summary>The subset that a list of scopes is; -1 for one of another order or with other scopes.</summary>
    public static int PackScopes(IReadOnlyList<string> scopes)
    {
        int subset = 0;
        foreach (string scope in scopes)
        {
            for (int bit = 0; bit < ApiKeyScopes.All.Count; bit++)
            {
                subset |= ApiKeyScopes.All[bit] == scope ? 1 << bit : 0;
            }
        }

        return ScopeSubsets[subset].SequenceEqual(scopes) ? subset : -1;
    }

    public static IReadOnlyList<string> UnpackScopes(int subset) => ScopeSubsets[subset];
}
