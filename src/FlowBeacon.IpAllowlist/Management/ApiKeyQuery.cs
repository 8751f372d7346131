namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Which keys to list, in the order of their ids.</summary>
/// <param name="State">Only keys in this state; null for all.</param>
/// <param name="After">Only keys whose id comes after this one (ordinal); null to begin with the first.</param>
/// <param name="Limit">The most keys to return.</param>
/// <param name="Now">The instant that states are determined at.</param>
public sealed record ApiKeyQuery(ApiKeyState? State, string? After, int Limit, DateTimeOffset Now)
{
    /// <summary>Whether a key is one of those to list, apart from the limit.</summary>
    internal bool Matches(ApiKeyDetails details) =>
        (After is null || string.CompareOrdinal(details.Key.Id, After) > 0) && (State is null || details.StateAt(Now) == State);
}
