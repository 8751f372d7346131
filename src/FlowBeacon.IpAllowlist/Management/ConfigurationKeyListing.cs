using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Keys from configuration as key administration shows them; they can only be changed in the configuration.</summary>
internal sealed class ConfigurationKeyListing(ConfigurationKeys keys)
{
    public ApiKeyDetails? Find(string id) => keys.ById.TryGetValue(id, out ConfiguredKey? key) ? Details(key) : null;

    public bool HasName(string name) => keys.ById.Values.Any(key => key.Key.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public IEnumerable<ApiKeyDetails> List(ApiKeyQuery query, DateTimeOffset now) =>
        keys.ById.Values.Select(Details).Where(details => query.Matches(details, now));

    public ApiKeyCounts Count(ApiKeyQuery query, DateTimeOffset now) =>
        ApiKeyCounts.Of(keys.ById.Values.Select(Details).Where(query.MatchesInAnyState), now);

    private static ApiKeyDetails Details(ConfiguredKey key) => new()
    {
        Key = key.Key,
        Version = 0,
        Origin = ApiKeyOrigin.Configuration,
        Entries = key.Notes.Count == 0 ? [] : [.. EntriesWithNotes(key)],
    };

    private static IEnumerable<AllowlistEntryDetails> EntriesWithNotes(ConfiguredKey key)
    {
        foreach (string entry in key.Key.AllowedIps.ToCanonicalStrings())
        {
            if (key.Notes.TryGetValue(entry, out string? note))
            {
                yield return new AllowlistEntryDetails { Ip = entry, Note = note };
            }
        }
    }
}
