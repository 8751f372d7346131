namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Which keys to list, in the ordinal order of their ids, or to count.</summary>
public sealed record ApiKeyQuery
{
    /// <summary>
    /// Only keys whose name contains this text, compared without case (ordinal); null for all. A repository gets it in composed form (NFC).
    /// </summary>
    public string? NameContains { get; init; }

    /// <summary>
    /// Only keys of which a secret's prefix begins with this text (ordinal), that of a rotation's old secret included; null for all. At
    /// most <see cref="ApiKey.PrefixLength"/> characters, so that it is no raw key.
    /// </summary>
    public string? Prefix { get; init; }

    /// <summary>Only keys in this state; null for all. Counting ignores it.</summary>
    public ApiKeyState? State { get; init; }

    /// <summary>
    /// <see cref="ApiKeyPage.Next"/> of an earlier page, to read on behind it; null to begin with the first. It is an id: keys whose ids
    /// come after it (ordinal) are listed, whether or not there still is a key with it. Counting ignores it.
    /// </summary>
    public string? After { get; init; }

    /// <summary>The most keys to return. Counting ignores it.</summary>
    public int Limit { get; init; } = 50;

    /// <summary>Whether a key is one of those to list, apart from the limit.</summary>
    internal bool Matches(ApiKeyDetails details, DateTimeOffset now) =>
        (After is null || string.CompareOrdinal(details.Key.Id, After) > 0)
        && (State is null || details.StateAt(now) == State)
        && MatchesInAnyState(details);

    /// <summary>Whether a key is one of those to count.</summary>
    internal bool MatchesInAnyState(ApiKeyDetails details) =>
        (NameContains is null || details.Key.Name.Contains(NameContains, StringComparison.OrdinalIgnoreCase))
        && (Prefix is null || HasPrefix(details.Key.Prefix) || HasPrefix(details.Key.Retiring?.Prefix));

    private bool HasPrefix(string? prefix) => prefix?.StartsWith(Prefix!, StringComparison.Ordinal) == true;
}
