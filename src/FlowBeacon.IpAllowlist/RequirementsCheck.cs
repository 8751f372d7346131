using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Stops a web host before it listens if it added the check without using it, or uses the API-key scheme without its prerequisites, and
/// names the missing calls.
/// </summary>
internal sealed class RequirementsCheck : IStartupFilter
{
    // The framework sets these properties of a pipeline.
    private const string EndpointsOfPipeline = "__EndpointRouteBuilder";
    private const string HasAuthorization = "__AuthorizationMiddlewareSet";

    /// <summary>Adds the check once, as the outermost filter, so that it sees what other filters add.</summary>
    public static void AddTo(IServiceCollection services)
    {
        if (!services.Any(service => service.ImplementationType == typeof(RequirementsCheck)))
        {
            services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, RequirementsCheck>());
        }
    }

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        IServiceProvider services = app.ApplicationServices;
        bool hasScheme = services.GetRequiredService<IOptions<AuthenticationOptions>>().Value.SchemeMap
            .ContainsKey(ApiKeyAuthenticationDefaults.AuthenticationScheme);
        StartupState? state = services.GetService<StartupState>();
        if (hasScheme && state is null)
        {
            throw new InvalidOperationException(
                "AddFlowBeaconApiKey() needs services that are not registered."
                + " Call builder.Services.AddFlowBeaconIpAllowlist() before builder.Build().");
        }

        if (state is not null)
        {
            // A pipeline is built from its end, so the first component is built last.
            app.Use(pipeline => state.IsCheckInPipeline ? pipeline : throw new InvalidOperationException(
                "AddFlowBeaconIpAllowlist() was called, but the check is not in the pipeline."
                + " Call app.UseFlowBeaconIpAllowlist(), or remove AddFlowBeaconIpAllowlist()."));
        }

        next(app);

        if (services.GetService<EndpointDataSource>()?.Endpoints.FirstOrDefault(NeedsScheme) is { } keyed)
        {
            string[] missing = [.. MissingCalls(app, hasScheme)];
            if (missing.Length > 0)
            {
                throw new InvalidOperationException(
                    $"The endpoint '{keyed.DisplayName}' requires an API key by authorization (a scope, or the scheme"
                    + $" {ApiKeyAuthenticationDefaults.AuthenticationScheme}), which is not set up. Call {string.Join(" and ", missing)}.");
            }
        }

        if (state is not null)
        {
            RefuseUnknownScopes(services);
        }
    };

    /// <summary>An endpoint with a scope that no key can have would refuse every request.</summary>
    private static void RefuseUnknownScopes(IServiceProvider services)
    {
        var scopes = new ScopeRules(services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.ScopesInForce);
        string[] faults =
        [
            .. from endpoint in services.GetService<EndpointDataSource>()?.Endpoints ?? []
               from requirement in endpoint.Metadata.GetOrderedMetadata<IScopeRequirement>()
               let fault = scopes.FaultOf(requirement.Scope)
               where fault is not null
               select $"The endpoint '{endpoint.DisplayName}' requires a scope that no key can have: {fault}.",
        ];
        if (faults.Length > 0)
        {
            throw new InvalidOperationException(
                $"{string.Join(Environment.NewLine, faults)}{Environment.NewLine}"
                + $"Correct the scope, or add it to options.{nameof(IpAllowlistOptions.Scopes)}.");
        }
    }

    private static IEnumerable<string> MissingCalls(IApplicationBuilder app, bool hasScheme)
    {
        if (!hasScheme)
        {
            yield return "builder.Services.AddAuthentication().AddFlowBeaconApiKey()";
        }

        if (!app.ApplicationServices.GetRequiredService<IServiceProviderIsService>().IsService(typeof(IPolicyEvaluator)))
        {
            yield return "builder.Services.AddAuthorization()";
        }
        else if (!app.Properties.ContainsKey(HasAuthorization)
            && app.Properties.TryGetValue(EndpointsOfPipeline, out object? endpoints)
            && endpoints is IEndpointRouteBuilder ofThisPipeline
            && ofThisPipeline.DataSources.SelectMany(source => source.Endpoints).Any(NeedsScheme))
        {
            // WebApplication calls it itself. Branches with endpoints of their own cannot be checked here.
            yield return "app.UseAuthorization() between app.UseRouting() and app.UseEndpoints()";
        }
    }

    /// <summary>Whether authorization uses the scheme at an endpoint.</summary>
    private static bool NeedsScheme(Endpoint endpoint) =>
        endpoint.Metadata.OfType<AuthorizationPolicy>().SelectMany(policy => policy.AuthenticationSchemes)
            .Concat(endpoint.Metadata.OfType<IAuthorizeData>()
#pragma warning disable RS0030 // Not header text: authorization itself trims the names in an attribute in this way.
                .SelectMany(data => (data.AuthenticationSchemes ?? "").Split(',', StringSplitOptions.TrimEntries)))
#pragma warning restore RS0030
            .Contains(ApiKeyAuthenticationDefaults.AuthenticationScheme);
}
