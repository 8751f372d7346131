using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Management.Http;
using Microsoft.AspNetCore.Authorization.Policy;
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
    /// also gets <c>client_ip</c>, its client address for the allowlist check, listed or not (null if there is none). It is counted as a
    /// check but not as a use of the key, and recorded as a denial with <see cref="Denial.IsHealth"/> if the list would deny it. If the
    /// key cannot be looked up within a second, the answer is the one without a key.
    /// </summary>
    /// <param name="endpoints">The application's endpoints.</param>
    /// <param name="pattern">The route; <c>/governance/health</c> by default.</param>
    /// <returns>The endpoint.</returns>
    /// <remarks>
    /// A fallback policy does not apply to it. Authorization that the host adds (<c>RequireAuthorization("ops")</c>, here or on a group)
    /// does.
    /// </remarks>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddFlowBeaconIpAllowlist()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapFlowBeaconHealth(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/governance/health")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);

        IServiceProvider services = endpoints.ServiceProvider;
        IpAllowlistEvaluator evaluator = services.GetService<IpAllowlistEvaluator>() ?? throw new InvalidOperationException(
            "MapFlowBeaconHealth() needs services that are not registered."
            + " Call builder.Services.AddFlowBeaconIpAllowlist() before builder.Build().");

        var health = new HealthEndpoint(
            evaluator,
            services.GetRequiredService<IpAllowlistRecorder>(),
            services.GetRequiredService<IHostEnvironment>(),
            services.GetRequiredService<TimeProvider>());
        return endpoints.MapMethods(
                pattern, [HttpMethods.Get, HttpMethods.Head], context => EndpointAuthorization.RunAsync(context, health.HandleAsync))
            .DisableIpAllowlist()
            .WithMetadata(new EndpointAuthorization.OpenByItself())
            .WithDisplayName("FlowBeacon health");
    }

    /// <summary>
    /// Maps the key administration API: create, list, read, change, rotate, end a grace period, revoke; the audit trail; and keys'
    /// traffic: denials, sources, suggested lists, trying an address. It is for signed-in people who meet the policy
    /// <see cref="ApiKeyAdministration.PolicyName"/>; API keys are refused, except that a break-glass key may read and recover.
    /// </summary>
    /// <param name="endpoints">The application's endpoints.</param>
    /// <param name="pattern">The route of the group; <c>/api/v1/keys</c> by default.</param>
    /// <returns>All of its endpoints.</returns>
    /// <remarks>
    /// Authorization that the host adds, here or on a group, applies in addition to the policy: people must meet both. So does a fallback
    /// policy, unless the endpoints have authorization of their own. It does not apply to break-glass keys, and <c>AllowAnonymous()</c>
    /// changes nothing. The endpoints have names, which OpenAPI uses as operation ids, but only the first time that they are mapped,
    /// because names must be unique in an application.
    /// </remarks>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddKeyManagement()</c> or <c>AddAuthorization()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapFlowBeaconApiKeys(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/api/v1/keys")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);

        IServiceProvider services = endpoints.ServiceProvider;
        ApiKeyManager manager = services.GetService<ApiKeyManager>() ?? throw new InvalidOperationException(
            "MapFlowBeaconApiKeys() needs services that are not registered."
            + " Call builder.Services.AddFlowBeaconIpAllowlist().AddKeyManagement() before builder.Build().");
        if (!services.GetRequiredService<IServiceProviderIsService>().IsService(typeof(IPolicyEvaluator)))
        {
            throw new InvalidOperationException(
                "MapFlowBeaconApiKeys() needs authorization. Call builder.Services.AddAuthorization() before builder.Build().");
        }

        StartupState state = services.GetRequiredService<StartupState>();
        state.IsManagementInMemory = services.GetRequiredService<IApiKeyRepository>() is InMemoryApiKeyRepository;
        var guard = new AdministrationGuard(services.GetRequiredService<AdministratorAdmission>());
        TimeProvider time = services.GetRequiredService<TimeProvider>();
        IApiKeyTraffic seen = services.GetRequiredService<IApiKeyTraffic>();
        var keys = new ApiKeyEndpoints(manager, seen, services.GetRequiredService<IAuditLog>(), guard, time);
        var traffic = new TrafficEndpoints(
            manager,
            seen,
            services.GetRequiredService<ClientIpResolver>(),
            guard,
            time);
        bool isFirst = !state.AreKeyEndpointsNamed;
        state.AreKeyEndpointsNamed = true;
        return ApiKeyRoutes.Map(endpoints.MapGroup(pattern), keys, traffic, withNames: isFirst);
    }
}
