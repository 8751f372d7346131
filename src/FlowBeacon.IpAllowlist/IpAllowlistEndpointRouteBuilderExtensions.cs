using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoints that come with the IP allowlist check.</summary>
public static class IpAllowlistEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the liveness endpoint: <c>{"ok":true,"service":"…","version":"…"}</c>, without a credential. A request with a valid key
    /// additionally gets <c>client_ip</c>, the address an allowlist would see from there, listed or not (null if there is none).
    /// </summary>
    /// <param name="endpoints">The application's endpoints.</param>
    /// <param name="pattern">The route; <c>/governance/health</c> by default.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddFlowBeaconIpAllowlist()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapFlowBeaconHealth(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/governance/health")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);

        IServiceProvider services = endpoints.ServiceProvider;
        IpAllowlistEvaluator evaluator = services.GetService<IpAllowlistEvaluator>() ?? throw new InvalidOperationException(
            "MapFlowBeaconHealth() needs services that are not there. Call builder.Services.AddFlowBeaconIpAllowlist() before builder.Build().");

        var health = new HealthEndpoint(evaluator, services.GetRequiredService<IHostEnvironment>());
        return endpoints.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], health.HandleAsync)
            .DisableIpAllowlist()
            .AllowAnonymous()
            .WithDisplayName("FlowBeacon health");
    }
}
