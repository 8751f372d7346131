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

        var services = new ServiceCollection();
        services.AddSingleton<IApiKeyStore>(store);
        services.AddFlowBeaconIpAllowlist();
        using ServiceProvider provider = services.BuildServiceProvider();
        var app = new ApplicationBuilder(provider);
        app.UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        RequestDelegate pipeline = app.Build();

        long before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (string rawKey in rawKeys)
        {
            for (int address = 0; address < AddressesPerKey; address++)
            {
                var context = new DefaultHttpContext();
                context.Request.Headers.Authorization = $"Bearer {rawKey}";
                context.Request.Headers["X-Forwarded-For"] = $"198.51.{address / 250}.{address % 250}";
                pipeline(context).IsCompletedSuccessfully.Should().BeTrue();
            }
        }

        long retained = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(pipeline);

        (retained / Keys).Should().BeLessThan(60_000, "a key that came from 2,000 addresses retains little of them");
    }
}
