using System.Diagnostics;
using System.Net;
using FlowBeacon.IpAllowlist.Benchmarks.Baselines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// What one request pays for the check inside real Kestrel: time and allocation between the middleware in front of it and the one
/// behind, on the same thread, beside the same two without the check between them.
/// </summary>
internal static class KestrelCost
{
    private static readonly Action<IApplicationBuilder> Check = app => app.UseFlowBeaconIpAllowlist();

    private static readonly (string Name, Action<IApplicationBuilder> Check, string? Key, string ForwardedFor)[] Cases =
    [
        ("without the check", _ => { }, Samples.Restricted, Samples.ListedIPv4),
        ("allowed IPv4", Check, Samples.Restricted, Samples.ListedIPv4),
        ("allowed IPv6", Check, Samples.Restricted, Samples.ListedIPv6),
        ("unrestricted", Check, Samples.Unrestricted, Samples.Unlisted),
        ("no key", Check, null, Samples.Unlisted),
        ("careful",
            app => app.Use(next => new CarefulMiddleware(next, CarefulMiddleware.Sample()).InvokeAsync),
            Samples.Restricted, Samples.ListedIPv4),
        ("safelist style",
            app => app.Use(next => new SafelistMiddleware(next, SafelistMiddleware.Sample()).InvokeAsync),
            Samples.Restricted, Samples.ListedIPv4),
    ];

    public static async Task RunAsync(int requests)
    {
        Console.WriteLine($"{requests} requests each, HTTP/1.1 keep-alive, one connection\n");
        Console.WriteLine("| case | 10th percentile, ns | median, ns | bytes per request |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach ((string name, Action<IApplicationBuilder> check, string? key, string forwardedFor) in Cases)
        {
            await MeasureAsync(name, check, key, forwardedFor, requests);
        }
    }

    private static async Task MeasureAsync(string name, Action<IApplicationBuilder> check, string? key, string forwardedFor, int requests)
    {
        long startedAt = 0;
        long bytesAtStart = 0;
        var ticks = new List<long>(2 * requests);
        long bytes = 0;

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (ReferenceEquals(check, Check))
        {
            Samples.AddCheck(builder.Services);
        }

        await using WebApplication app = builder.Build();
        app.Use((context, next) =>
        {
            bytesAtStart = GC.GetAllocatedBytesForCurrentThread();
            startedAt = Stopwatch.GetTimestamp();
            return next(context);
        });
        check(app);
        app.Run(_ =>
        {
            ticks.Add(Stopwatch.GetTimestamp() - startedAt);
            bytes += GC.GetAllocatedBytesForCurrentThread() - bytesAtStart;
            return Task.CompletedTask;
        });
        await app.StartAsync();

        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        for (int request = 0; request < 2 * requests; request++)
        {
            if (request == requests)
            {
                // The first half was for the compiler's tiers and the caches.
                ticks.Clear();
                bytes = 0;
            }

            using var message = new HttpRequestMessage(HttpMethod.Get, "/");
            message.Headers.TryAddWithoutValidation("X-Forwarded-For", forwardedFor);
            if (key is not null)
            {
                message.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
            }

            using HttpResponseMessage response = await client.SendAsync(message);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new InvalidOperationException($"{name}: {response.StatusCode}");
            }
        }

        ticks.Sort();
        Console.WriteLine(
            $"| {name} | {Nanoseconds(ticks[ticks.Count / 10])} | {Nanoseconds(ticks[ticks.Count / 2])} | "
                + $"{(double)bytes / ticks.Count:0.##} |");
    }

    private static long Nanoseconds(long stopwatchTicks) => stopwatchTicks * 1_000_000_000 / Stopwatch.Frequency;
}
