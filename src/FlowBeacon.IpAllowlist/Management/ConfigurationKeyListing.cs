using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Keys from configuration as administration shows them: they are changed in the configuration, and only there.</summary>
internal sealed class ConfigurationKeyListing(ConfigurationKeys keys)
{
    public ApiKeyDetails? Find(string id) => keys.ById.TryGetValue(id, out ApiKey? key) ? Details(key) : null;

    public bool HasName(string name) => keys.ById.Values.Any(key => key.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public IEnumerable<ApiKeyDetails> List(ApiKeyQuery query) => keys.ById.Values
        .Where(key => query.After is null || string.CompareOrdinal(key.Id, query.After) > 0)
        .Select(Details)
        .Where(details => query.State is null || details.StateAt(query.Now) == query.State);

    private static ApiKeyDetails Details(ApiKey key) => new() { Key = key, Version = 0, Origin = ApiKeyOrigin.Configuration };
}
