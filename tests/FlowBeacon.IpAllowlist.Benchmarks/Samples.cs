using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>The keys that every benchmark uses.</summary>
internal static class Samples
{
    public const string Restricted = "fb_live_111111111111111111111111111111111111111111111111";
    public const string Unrestricted = "fb_live_222222222222222222222222222222222222222222222222";
    public const string Rehearsed = "fb_live_333333333333333333333333333333333333333333333333";
    public const string ListedIPv4 = "203.0.113.7";
    public const string ListedIPv6 = "2001:db8::7";
    public const string Unlisted = "198.51.100.9";

    /// <summary>A store with a key that has a list of four addresses, one that only rehearses the same list, and one without a list.</summary>
    public static InMemoryApiKeyStore Store()
    {
        var store = new InMemoryApiKeyStore();
        var restricted = new ApiKey
        {
            Id = "restricted",
            Hash = ApiKeyHash.Compute(Restricted),
            AllowedIps = IpAddressSet.Parse(["192.0.2.1", "192.0.2.2", ListedIPv4, ListedIPv6]),
        };
        store.Set(restricted);
        store.Set(restricted with { Id = "rehearsed", Hash = ApiKeyHash.Compute(Rehearsed), AllowlistMode = AllowlistMode.ReportOnly });
        store.Set(new ApiKey { Id = "unrestricted", Hash = ApiKeyHash.Compute(Unrestricted), AllowedIps = IpAddressSet.Empty });
        return store;
    }

    /// <summary>The n-th of a million unlisted addresses, all of one length: 10.100.100.100, 10.100.100.101, …</summary>
    public static string Forged(int n) => $"10.{100 + (n / 10_000 % 100)}.{100 + (n / 100 % 100)}.{100 + (n % 100)}";

    public static void AddCheck(IServiceCollection services)
    {
        services.AddSingleton<IApiKeyStore>(Store());
        services.AddFlowBeaconIpAllowlist();
    }
}
