using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Check;

/// <summary>What the check remembers of keys that are used from many addresses is bounded for all keys together.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class RetainedMemoryTests
{
    private const int Keys = 600;
    private const int AddressesPerKey = 2_000;

    [Fact]
    public void Keys_that_come_from_thousands_of_addresses_hold_no_memory_for_each_of_them()
    {
        var store = new InMemoryApiKeyStore();
        string[] rawKeys = [.. Enumerable.Range(0, Keys).Select(number => $"fb_live_{number:x48}")];
        for (int number = 0; number < Keys; number++)
        {
            store.Set(TestKeys.Create(rawKeys[number], $"key-{number}"));
        }

        using ServiceProvider provider = Services(store);
        RequestDelegate pipeline = Pipeline(provider);

        long before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (string rawKey in rawKeys)
        {
            for (int address = 0; address < AddressesPerKey; address++)
            {
                Send(pipeline, rawKey, $"198.51.{address / 250}.{address % 250}");
            }
        }

        long retained = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(pipeline);

        (retained / Keys).Should().BeLessThan(60_000, "a key that came from 2,000 addresses retains little of them");
    }

    [Fact]
    public void Replaced_keys_are_not_kept_alive_by_caches()
    {
        var store = new InMemoryApiKeyStore();
        using ServiceProvider provider = Services(store);
        RequestDelegate pipeline = Pipeline(provider);
        WeakReference old = UseNewKey(store, pipeline);
        GC.Collect();
        old.IsAlive.Should().BeTrue("it is in the store");

        store.ReplaceAll([TestKeys.Create(TestKeys.Restricted, "other")]);
        GC.Collect();

        old.IsAlive.Should().BeFalse();
        GC.KeepAlive(pipeline);
    }

    // In a method of its own, so that no local of the test holds the key.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference UseNewKey(InMemoryApiKeyStore store, RequestDelegate pipeline)
    {
        ApiKey key = TestKeys.Create(TestKeys.Unrestricted, "old");
        store.Set(key);
        Send(pipeline, TestKeys.Unrestricted, "198.51.100.9");
        return new WeakReference(key);
    }

    private static void Send(RequestDelegate pipeline, string rawKey, string address)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = address;
        pipeline(context).IsCompletedSuccessfully.Should().BeTrue();
        context.Response.StatusCode.Should().Be(StatusCodes.Status200OK);
    }

    private static ServiceProvider Services(InMemoryApiKeyStore store)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IApiKeyStore>(store);
        services.AddFlowBeaconIpAllowlist();
        return services.BuildServiceProvider();
    }

    private static RequestDelegate Pipeline(ServiceProvider provider)
    {
        var app = new ApplicationBuilder(provider);
        app.UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        return app.Build();
    }
}
