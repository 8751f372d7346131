using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts the IP allowlist check into an application's pipeline.</summary>
public static class IpAllowlistApplicationBuilderExtensions
{
    private const string UsedProperty = "FlowBeacon.IpAllowlist.Used";

    /// <summary>
    /// Checks every request from here on: 401 for an invalid key, 403 for a key from an address that is not on its list. Middleware
    /// before it (static files, output caching) and short-circuited endpoints are not covered.
    /// </summary>
    /// <param name="app">The pipeline, or a branch of it (<c>UseWhen</c>, <c>MapWhen</c>).</param>
    /// <returns><paramref name="app"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    /// <exception cref="InvalidOperationException">
    /// <c>AddFlowBeaconIpAllowlist()</c> was not called, or this method was called before on the same path.
    /// </exception>
    public static IApplicationBuilder UseFlowBeaconIpAllowlist(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);

        IServiceProvider services = app.ApplicationServices;
        StartupState state = services.GetService<StartupState>() ?? throw new InvalidOperationException(
            "UseFlowBeaconIpAllowlist() needs services that are not registered."
            + " Call builder.Services.AddFlowBeaconIpAllowlist() before builder.Build().");

        // A branch inherits the properties of the pipeline it leaves.
        if (!app.Properties.TryAdd(UsedProperty, true))
        {
            throw new InvalidOperationException("UseFlowBeaconIpAllowlist() is called twice on one path. Remove one of the calls.");
        }

        return app.Use(next =>
        {
            state.IsCheckInPipeline = true;
            var check = new IpAllowlistMiddleware(
                next,
                services.GetRequiredService<IpAllowlistEvaluator>(),
                services.GetRequiredService<IpAllowlistRecorder>(),
                services.GetRequiredService<RefusalWriter>(),
                services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.RequireApiKey);
            return new CacheInFrontGuard(check.InvokeAsync, services.GetRequiredService<IpAllowlistDiagnostics>()).InvokeAsync;
        });
    }
}
