using System.Net;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A request that is let through costs no allocation once its key and address have been seen.</summary>
public sealed class AllocationTests
{
    private const int WarmUp = 300;
    private const int Measured = 100;

    /// <summary>The runtime allocates now and then for tables of its own. What a request allocates shows in every batch.</summary>
    private const int Batches = 5;
    private const string Rehearsed = "fb_live_666666666666666666666666666666666666666666666666";

    private const string OldSecret = "fb_live_777777777777777777777777777777777777777777777777";
    private const string NewSecret = "fb_live_888888888888888888888888888888888888888888888888";

    public static TheoryData<string?, string?, ClientIpSource> Requests => new()
    {
        { TestKeys.Restricted, "203.0.113.7", ClientIpSource.ForwardedForFirst },
        { TestKeys.Restricted, "203.0.113.7, 127.0.0.1", ClientIpSource.ForwardedForFirst },
        { TestKeys.Restricted, null, ClientIpSource.ForwardedForFirst },
        { TestKeys.Restricted, null, ClientIpSource.PeerAddress },
        { TestKeys.Restricted, "198.51.100.9, 203.0.113.7", ClientIpSource.TrustedProxies },
        { Rehearsed, "203.0.113.7", ClientIpSource.ForwardedForFirst },
        { Rehearsed, "203.0.113.7", ClientIpSource.TrustedProxies },
        { Rehearsed, null, ClientIpSource.PeerAddress },
        { TestKeys.Unrestricted, "198.51.100.9", ClientIpSource.ForwardedForFirst },
        { TestKeys.Unrestricted, "unknown", ClientIpSource.ForwardedForFirst },
        { TestKeys.Unrestricted, null, ClientIpSource.ForwardedForFirst },
        { OldSecret, "203.0.113.7", ClientIpSource.ForwardedForFirst },
        { NewSecret, "203.0.113.7", ClientIpSource.ForwardedForFirst },
        { "a.jwt.token", "198.51.100.9", ClientIpSource.ForwardedForFirst },
        { null, "198.51.100.9", ClientIpSource.ForwardedForFirst },
        { null, null, ClientIpSource.ForwardedForFirst },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_is_let_through_allocates_nothing_on_Kestrel(
        string? rawKey, string? forwardedFor, ClientIpSource source)
    {
        var allocated = new List<long>(WarmUp + Measured);
        long before = 0;
        int threadBefore = 0;
        await using KestrelApp app = await KestrelApp.StartAsync(
            Store(),
            options => Set(options, source),
            pipeline: pipeline =>
            {
                pipeline.Use(next => context =>
                {
                    threadBefore = Environment.CurrentManagedThreadId;
                    before = GC.GetAllocatedBytesForCurrentThread();
                    return next(context);
                });
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(_ =>
                {
                    allocated.Add(
                        threadBefore == Environment.CurrentManagedThreadId ? GC.GetAllocatedBytesForCurrentThread() - before : -1);
                    return Task.CompletedTask;
                });
            });
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
        string[] request = HeaderLines(rawKey, forwardedFor);

        for (int i = 0; i < WarmUp + Measured; i++)
        {
            (await client.GetAsync(request)).Status.Should().Be(200);
        }

        allocated.Should().HaveCount(WarmUp + Measured);
        allocated.Skip(WarmUp).Should().OnlyContain(bytes => bytes == 0);
        Uses(app.Services).Should().Be(HoldsValidKey(rawKey) ? 1 : 0, "what costs nothing here is recorded all the same");
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_that_is_let_through_allocates_nothing_on_a_DefaultHttpContext(
        string? rawKey, string? forwardedFor, ClientIpSource source)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IApiKeyStore>(Store());
        services.AddFlowBeaconIpAllowlist(options => Set(options, source));
        using ServiceProvider provider = services.BuildServiceProvider();
        var app = new ApplicationBuilder(provider);
        app.UseFlowBeaconIpAllowlist();
        int passed = 0;
        app.Run(_ =>
        {
            passed++;
            return Task.CompletedTask;
        });
        RequestDelegate pipeline = app.Build();
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Loopback;
        foreach (string line in HeaderLines(rawKey, forwardedFor))
        {
            context.Request.Headers.Append(
                line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]);
        }

        Run(WarmUp);
        LeastAllocatedBy(() => Run(Measured / Batches)).Should().Be(0);

        passed.Should().Be(WarmUp + Measured);
        Uses(provider).Should().Be(HoldsValidKey(rawKey) ? 1 : 0, "what costs nothing here is recorded all the same");

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                context.Features.Set<IIpAllowlistFeature>(null);
                pipeline(context).GetAwaiter().GetResult();
            }
        }
    }

    [Fact]
    public void A_key_that_comes_from_many_addresses_in_turn_allocates_nothing_either()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IApiKeyStore>(Store());
        services.AddFlowBeaconIpAllowlist();
        using ServiceProvider provider = services.BuildServiceProvider();
        IApplicationBuilder app = new ApplicationBuilder(provider).UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        RequestDelegate pipeline = app.Build();
        DefaultHttpContext[] contexts = [.. Enumerable.Range(1, 20).Select(number => new DefaultHttpContext
        {
            Request = { Headers = { Authorization = $"Bearer {TestKeys.Unrestricted}", ["X-Forwarded-For"] = $"198.51.100.{number}" } },
        })];

        Run(WarmUp);
        LeastAllocatedBy(() => Run(Measured / Batches)).Should().Be(0);

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                foreach (DefaultHttpContext context in contexts)
                {
                    context.Features.Set<IIpAllowlistFeature>(null);
                    pipeline(context).GetAwaiter().GetResult();
                }
            }
        }
    }

    private static long LeastAllocatedBy(Action batch) => Enumerable.Range(0, Batches).Min(_ =>
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        batch();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    private static InMemoryApiKeyStore Store()
    {
        string[] allowedIps = ["203.0.113.7", "127.0.0.1"];
        InMemoryApiKeyStore store = TestKeys.Store(allowedIps);
        store.Set(TestKeys.Create(Rehearsed, "rehearsed", allowedIps) with { AllowlistMode = AllowlistMode.ReportOnly });
        store.Set(TestKeys.Create(NewSecret, "rotated", allowedIps) with
        {
            Retiring = new RetiringSecret
            {
                Hash = ApiKeyHash.Compute(OldSecret),
                Prefix = OldSecret[..ApiKey.PrefixLength],
                ExpiresAt = DateTimeOffset.MaxValue,
            },
        });
        return store;
    }

    private static bool HoldsValidKey(string? rawKey) =>
        rawKey is Rehearsed or OldSecret or NewSecret or TestKeys.Restricted or TestKeys.Unrestricted;

    /// <summary>The sources that were seen as often as requests were sent, give or take what a long count is off.</summary>
    private static int Uses(IServiceProvider services)
    {
        IApiKeyTraffic traffic = services.GetRequiredService<IApiKeyTraffic>();
        return new[] { "restricted", "unrestricted", "rehearsed", "rotated" }
            .Select(keyId => traffic.ReadSources(keyId))
            .SelectMany(seen => seen.Sources.Append(seen.WithoutAddress).OfType<SourceSeen>())
            .Count(source => source.Count is > WarmUp and < WarmUp + (2 * Measured));
    }

    private static void Set(IpAllowlistOptions options, ClientIpSource source)
    {
        options.ClientIpSource = source;
        if (source == ClientIpSource.TrustedProxies)
        {
            options.TrustedProxies.Add("127.0.0.1");
        }
    }

    private static string[] HeaderLines(string? rawKey, string? forwardedFor) =>
    [
        .. rawKey is null ? Array.Empty<string>() : [HeaderLine.Bearer(rawKey)],
        .. forwardedFor is null ? Array.Empty<string>() : [HeaderLine.ForwardedFor(forwardedFor)],
    ];
}
