using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>The keys that every benchmark uses.</summary>
internal static class Samples
{
    public const string Restricted = "fb_live_111111111111111111111111111111111111111111111111";
    public const string Unrestricted = "fb_live_222222222222222222222222222222222222222222222222";
    public const string ListedIPv4 = "203.0.113.7";
    public const string ListedIPv6 = "2001:db8::7";
    public const string Unlisted = "198.51.100.9";

    /// <summary>A store with one key that has a list of four addresses, and one without a list.</summary>
    public static InMemoryApiKeyStore Store()
    {
        var store = new InMemoryApiKeyStore();
        store.Set(new ApiKey
        {
            Id = "restricted",
            Hash = ApiKeyHash.Compute(Restricted),
            AllowedIps = IpAddressSet.Parse(["192.0.2.1", "192.0.2.2", ListedIPv4, ListedIPv6]),
        });
        store.Set(new ApiKey { Id = "unrestricted", Hash = ApiKeyHash.Compute(Unrestricted), AllowedIps = IpAddressSet.Empty });
        return store;
    }

    public static void AddCheck(IServiceCollection services)
    {
        services.AddSingleton<IApiKeyStore>(Store());
        services.AddFlowBeaconIpAllowlist();
    }
}
