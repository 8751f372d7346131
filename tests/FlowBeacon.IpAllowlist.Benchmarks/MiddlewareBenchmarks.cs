using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using FlowBeacon.IpAllowlist.Benchmarks.Baselines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// The whole middleware on a bare request, one case per outcome, beside the same pipeline without the check and beside what one might
/// write instead. The requests are warm: the key was seen lately.
/// </summary>
[MemoryDiagnoser]
public class MiddlewareBenchmarks
{
    private readonly RequestDelegate _withCheck = Samples.CheckedPipeline(Samples.Store());
    private readonly RequestDelegate _withListener = Samples.CheckedPipeline(Samples.Store());
    private readonly RequestDelegate _withoutCheck = Baseline(_ => { });
    private readonly RequestDelegate _safelist =
        Baseline(app => app.Use(next => new SafelistMiddleware(next, SafelistMiddleware.Sample()).InvokeAsync));
    private readonly RequestDelegate _careful =
        Baseline(app => app.Use(next => new CarefulMiddleware(next, CarefulMiddleware.Sample()).InvokeAsync));
    private readonly HttpContext _allowed = Samples.Request(Samples.Restricted, Samples.ListedIPv4);
    private readonly HttpContext[] _allowedByEqualTexts =
        [.. Enumerable.Range(0, 16).Select(_ => Samples.Request(Samples.Restricted, Samples.ListedIPv4))];
    private readonly HttpContext _allowedIPv6 = Samples.Request(Samples.Restricted, Samples.ListedIPv6);
    private readonly HttpContext _rehearsed = Samples.Request(Samples.Rehearsed, Samples.ListedIPv4);
    private readonly HttpContext _denied = Samples.Request(Samples.Restricted, Samples.Unlisted);
    private readonly HttpContext _unrestricted = Samples.Request(Samples.Unrestricted, Samples.Unlisted);
    private readonly HttpContext _noKey = Samples.Request(null, Samples.Unlisted);
    private readonly MeterListener _listener = new();
    private int _request;

    [GlobalSetup]
    public void Listen()
    {
        _listener.InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        _listener.Start();
    }

    [Benchmark(Baseline = true)]
    public Task Allowed() => Samples.Send(_withCheck, _allowed);

    [Benchmark]
    public Task WithoutCheck() => Samples.Send(_withoutCheck, _allowed);

    [Benchmark]
    public Task SafelistStyle() => Samples.Send(_safelist, _allowed);

    [Benchmark]
    public Task Careful() => Samples.Send(_careful, _allowed);

    /// <summary>The header is another string with the same text each time, as over HTTP/2 or many connections.</summary>
    [Benchmark]
    public Task AllowedByEqualText() => Samples.Send(_withCheck, _allowedByEqualTexts[_request++ & 15]);

    [Benchmark]
    public Task AllowedIPv6() => Samples.Send(_withCheck, _allowedIPv6);

    [Benchmark]
    public Task AllowedInRehearsal() => Samples.Send(_withCheck, _rehearsed);

    [Benchmark]
    public Task AllowedWithMetricsListener() => Samples.Send(_withListener, _allowed);

    [Benchmark]
    public Task Unrestricted() => Samples.Send(_withCheck, _unrestricted);

    [Benchmark]
    public Task NoKey() => Samples.Send(_withCheck, _noKey);

    [Benchmark]
    public Task Denied() => Samples.Send(_withCheck, _denied);

    private static RequestDelegate Baseline(Action<IApplicationBuilder> configure) =>
        Samples.Pipeline(new ServiceCollection().BuildServiceProvider(), configure);
}
