using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Answers <c>GET /governance/health</c>.</summary>
internal sealed class HealthEndpoint(
    IpAllowlistEvaluator evaluator, IpAllowlistRecorder recorder, IHostEnvironment environment, TimeProvider time)
{
    /// <summary>How long the look-up of a key may take: the endpoint reports whether this process is alive, not the store.</summary>
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(1);

    private readonly string _version = VersionOf(Assembly.GetEntryAssembly());

    public async Task HandleAsync(HttpContext context)
    {
        CacheInFrontGuard.ForbidStorage(context);
        IpAllowlistFeature? caller = await TryEvaluateAsync(context);

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        await using var json = new Utf8JsonWriter(context.Response.Body);
        json.WriteStartObject();
        json.WriteBoolean("ok", true);
        json.WriteString("service", environment.ApplicationName);
        json.WriteString("version", _version);
        if (caller?.Key is not null)
        {
            json.WriteString("client_ip", caller.ClientIp?.ToString());
        }

        json.WriteEndObject();
    }

    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "A failing store does not mean that this process is down.")]
    private async Task<IpAllowlistFeature?> TryEvaluateAsync(HttpContext context)
    {
        try
        {
            using var timeout = new CancellationTokenSource(LookupTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted);
            IpAllowlistFeature result = await evaluator.EvaluateAsync(context, either.Token);
            recorder.RecordHealth(context, result);
            return result;
        }
        catch (Exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>The application's version without the commit that builds append after a plus sign (SemVer 2.0.0 §10).</summary>
    private static string VersionOf(Assembly? application) =>
        application?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
