using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>The whole middleware on a bare request, one case per outcome, beside the same pipeline without the check.</summary>
[MemoryDiagnoser]
public class MiddlewareBenchmarks
{
    private readonly RequestDelegate _withCheck = Pipeline(app => app.UseFlowBeaconIpAllowlist());
    private readonly RequestDelegate _withoutCheck = Pipeline(_ => { });
    private readonly HttpContext _allowed = Request(Samples.Restricted, Samples.ListedIPv4);
    private readonly HttpContext _allowedIPv6 = Request(Samples.Restricted, Samples.ListedIPv6);
    private readonly HttpContext _denied = Request(Samples.Restricted, Samples.Unlisted);
    private readonly HttpContext _unrestricted = Request(Samples.Unrestricted, Samples.Unlisted);
    private readonly HttpContext _noKey = Request(null, Samples.Unlisted);

    [Benchmark(Baseline = true)]
    public Task WithoutCheck() => Send(_withoutCheck, _allowed);

    [Benchmark]
    public Task Allowed() => Send(_withCheck, _allowed);

    [Benchmark]
    public Task AllowedIPv6() => Send(_withCheck, _allowedIPv6);

    [Benchmark]
    public Task Denied() => Send(_withCheck, _denied);

    [Benchmark]
    public Task Unrestricted() => Send(_withCheck, _unrestricted);

    [Benchmark]
    public Task NoKey() => Send(_withCheck, _noKey);

    private static Task Send(RequestDelegate pipeline, HttpContext context)
    {
        // A context is used again and again; what the last request left must not answer for this one.
        context.Features.Set<IIpAllowlistFeature>(null);
        return pipeline(context);
    }

    private static RequestDelegate Pipeline(Action<IApplicationBuilder> configure)
    {
        var services = new ServiceCollection();
        Samples.AddCheck(services);
        var app = new ApplicationBuilder(services.BuildServiceProvider());
        configure(app);
        app.Run(_ => Task.CompletedTask);
        return app.Build();
    }

    private static DefaultHttpContext Request(string? rawKey, string forwardedFor)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = rawKey is null ? default : $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = forwardedFor;
        context.Response.Body = Stream.Null;
        return context;
    }
}
