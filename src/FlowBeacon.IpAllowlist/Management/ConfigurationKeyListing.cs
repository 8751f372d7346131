using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Keys from configuration as key administration shows them; they can only be changed in the configuration.</summary>
internal sealed class ConfigurationKeyListing(ConfigurationKeys keys)
{
    public ApiKeyDetails? Find(string id) => keys.ById.TryGetValue(id, out ApiKey? key) ? Details(key) : null;

    public bool HasName(string name) => keys.ById.Values.Any(key => key.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public IEnumerable<ApiKeyDetails> List(ApiKeyQuery query, DateTimeOffset now) =>
        keys.ById.Values.Select(Details).Where(details => query.Matches(details, now));

    public ApiKeyCounts Count(ApiKeyQuery query, DateTimeOffset now) =>
        ApiKeyCounts.Of(keys.ById.Values.Select(Details).Where(query.MatchesInAnyState), now);

    private static ApiKeyDetails Details(ApiKey key) => new() { Key = key, Version = 0, Origin = ApiKeyOrigin.Configuration };
}
