using BenchmarkDotNet.Attributes;
using FlowBeacon.IpAllowlist.Denials;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// What the records of traffic cost: an allowed request beside the same one that is not counted among the sources seen, and the
/// requests that are put on record as denials, or as what would be one.
/// </summary>
[MemoryDiagnoser]
public class TrafficRecordBenchmarks
{
    private const int Addresses = 65_536;

    private readonly RequestDelegate _withRecords = Pipeline(_ => { });

    // Without room for a single cell, a request finds none to count itself in: nothing else differs.
    private readonly RequestDelegate _withoutSources = Pipeline(services => services.AddSingleton(
        provider => new SourcesSeen(provider.GetRequiredService<CoarseClock>(), mostPerKey: 1, mostCells: 0)));

    private readonly HttpContext _allowed = Request(Samples.Restricted, Samples.ListedIPv4);
    private readonly HttpContext _allowedInReportOnly = Request(Samples.Rehearsed, Samples.ListedIPv4);
    private readonly HttpContext _wouldDeny = Request(Samples.Rehearsed, Samples.Unlisted);
    private readonly HttpContext _denied = Request(Samples.Restricted, Samples.Unlisted);
    private readonly StringValues[] _oneAddress = [.. Enumerable.Repeat(new StringValues(Samples.Forged(0)), Addresses)];
    private readonly StringValues[] _newAddresses = [.. Enumerable.Range(0, Addresses).Select(number => new StringValues(Samples.Forged(number)))];
    private uint _next;

    [Benchmark(Baseline = true)]
    public Task Allowed() => Send(_withRecords, _allowed);

    [Benchmark]
    public Task AllowedWithoutSourcesSeen() => Send(_withoutSources, _allowed);

    [Benchmark]
    public Task AllowedInReportOnly() => Send(_withRecords, _allowedInReportOnly);

    [Benchmark]
    public Task WouldDeny() => Send(_withRecords, _wouldDeny);

    [Benchmark]
    public Task DeniedFromOneAddress() => SendFromNext(_oneAddress);

    [Benchmark]
    public Task DeniedFromNewAddresses() => SendFromNext(_newAddresses);

    /// <summary>Writes the header for either kind of denial, so that they differ in the addresses alone.</summary>
    private Task SendFromNext(StringValues[] addresses)
    {
        _denied.Request.Headers["X-Forwarded-For"] = addresses[_next++ % Addresses];
        return Send(_withRecords, _denied);
    }

    private static Task Send(RequestDelegate pipeline, HttpContext context)
    {
        // A context is used again and again; what the last request left must not answer for this one.
        context.Features.Set<IIpAllowlistFeature>(null);
        return pipeline(context);
    }

    private static RequestDelegate Pipeline(Action<IServiceCollection> configure)
    {
        var services = new ServiceCollection();
        configure(services);
        Samples.AddCheck(services);
        var app = new ApplicationBuilder(services.BuildServiceProvider());
        app.UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        return app.Build();
    }

    private static DefaultHttpContext Request(string rawKey, string forwardedFor)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = forwardedFor;
        context.Response.Body = Stream.Null;
        return context;
    }
}
