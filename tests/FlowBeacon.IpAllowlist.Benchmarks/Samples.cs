using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>The keys, requests and pipelines that every benchmark uses.</summary>
internal static class Samples
{
    public const string Restricted = "fb_live_111111111111111111111111111111111111111111111111";
    public const string Unrestricted = "fb_live_222222222222222222222222222222222222222222222222";
    public const string Rehearsed = "fb_live_333333333333333333333333333333333333333333333333";
    public const string ListedIPv4 = "203.0.113.7";
    public const string ListedIPv6 = "2001:db8::7";
    public const string Unlisted = "198.51.100.9";

    /// <summary>
    /// How many keys a store holds where that is what matters: 1,000 and 1,000,000, or what the environment variable KEYS lists.
    /// </summary>
    public static IEnumerable<int> Sizes =>
        (Environment.GetEnvironmentVariable("KEYS") ?? "1000,1000000").Split(',')
            .Select(size => int.Parse(size, CultureInfo.InvariantCulture));

    public static IReadOnlyList<string> AllowedIps { get; } = ["192.0.2.1", "192.0.2.2", ListedIPv4, ListedIPv6];

    /// <summary>A store with one key that has a list of four addresses, the same in rehearsal, and one without a list.</summary>
    public static InMemoryApiKeyStore Store()
    {
        var store = new InMemoryApiKeyStore();
        store.Set(Key("restricted", Restricted, AllowedIps));
        store.Set(Key("rehearsed", Rehearsed, AllowedIps) with { AllowlistMode = AllowlistMode.ReportOnly });
        store.Set(Key("unrestricted", Unrestricted, []));
        return store;
    }

    public static ApiKey Key(string id, string rawKey, IReadOnlyList<string> allowedIps) => new()
    {
        Id = id,
        Hash = ApiKeyHash.Compute(rawKey),
        Prefix = rawKey[..ApiKey.PrefixLength],
        AllowedIps = IpAddressSet.Parse(allowedIps),
    };

    /// <summary>Raw keys that differ in all their digits.</summary>
    public static string RawKey(int number) => string.Create(
        CultureInfo.InvariantCulture,
        $"fb_live_{Mix((ulong)number):x16}{Mix((ulong)number + 0x1_0000_0000):x16}{Mix((ulong)number + 0x2_0000_0000):x16}");

    /// <summary>Many keys as key administration makes them, each with three addresses.</summary>
    public static ApiKey[] Keys(int count)
    {
        var keys = new ApiKey[count];
        for (int number = 0; number < count; number++)
        {
            string rawKey = RawKey(number);
            keys[number] = new ApiKey
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"key_{Mix((ulong)number):x16}{Mix((ulong)number + 0x3_0000_0000):x16}"),
                Hash = ApiKeyHash.Compute(rawKey),
                Prefix = rawKey[..ApiKey.PrefixLength],
                AllowedIps = IpAddressSet.Parse(AddressesOf(number)),
                Scopes = [ApiKeyScopes.GovernanceRead],
            };
        }

        return keys;
    }

    /// <summary>The n-th of a million unlisted addresses, all of one length: 10.100.100.100, 10.100.100.101, …</summary>
    public static string Forged(int n) => $"10.{100 + (n / 10_000 % 100)}.{100 + (n / 100 % 100)}.{100 + (n % 100)}";

    /// <summary>Three addresses of a key.</summary>
    public static string[] AddressesOf(int number)
    {
        string start = string.Create(CultureInfo.InvariantCulture, $"{10 + (number % 90)}.{(number >> 8) & 255}.{number & 255}.");
        return [start + "1", start + "2", start + "3"];
    }

    public static void AddCheck(IServiceCollection services) => AddCheck(services, Store());

    public static void AddCheck(IServiceCollection services, IApiKeyStore store)
    {
        services.AddSingleton(store);
        services.AddFlowBeaconIpAllowlist();
    }

    /// <summary>A pipeline that ends behind what is configured.</summary>
    public static RequestDelegate Pipeline(IServiceProvider services, Action<IApplicationBuilder> configure)
    {
        var app = new ApplicationBuilder(services);
        configure(app);
        app.Run(_ => Task.CompletedTask);
        return app.Build();
    }

    public static RequestDelegate CheckedPipeline(IApiKeyStore store, Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection();
        configure?.Invoke(services);
        AddCheck(services, store);
        return Pipeline(services.BuildServiceProvider(), app => app.UseFlowBeaconIpAllowlist());
    }

    public static DefaultHttpContext Request(string? rawKey, string forwardedFor)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = rawKey is null ? default : $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = forwardedFor;
        context.Response.Body = Stream.Null;
        return context;
    }

    public static Task Send(RequestDelegate pipeline, HttpContext context)
    {
        // A context is used again and again; what the last request left must not answer for this one.
        context.Features.Set<IIpAllowlistFeature>(null);
        return pipeline(context);
    }

    // SplitMix64 (G. Steele and others, 2014): every number gives another one that looks random.
    private static ulong Mix(ulong number)
    {
        number = (number + 1) * 0x9E37_79B9_7F4A_7C15;
        number = (number ^ (number >> 30)) * 0xBF58_476D_1CE4_E5B9;
        number = (number ^ (number >> 27)) * 0x94D0_49BB_1331_11EB;
        return number ^ (number >> 31);
    }
}
