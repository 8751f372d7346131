using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Guards endpoints whose handler has an attribute, as endpoint methods do: an attribute cannot change the handler, so routing replaces the
/// endpoint with the guarded one. MVC also runs the attribute itself, as a filter, in hosts without the library's services.
/// </summary>
internal sealed class AttributeGuardPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    private readonly ConditionalWeakTable<Endpoint, Endpoint> _guarded = [];

    /// <summary>After all other policies, which see the endpoints as they were mapped.</summary>
    public override int Order => int.MaxValue;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => ContainsDynamicEndpoints(endpoints) || endpoints.Any(IsToGuard);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (int index = 0; index < candidates.Count; index++)
        {
            if (candidates.IsValidCandidate(index) && IsToGuard(candidates[index].Endpoint))
            {
                candidates.ReplaceEndpoint(index, _guarded.GetValue(candidates[index].Endpoint, Guard), candidates[index].Values);
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsToGuard(Endpoint endpoint) =>
        endpoint.RequestDelegate is not null
        && endpoint.Metadata.GetMetadata<IKeyRequirementMetadata>() is Attribute and not DisableIpAllowlistAttribute;

    private static Endpoint Guard(Endpoint endpoint)
    {
        RequestDelegate guarded = EndpointGuard.Around(endpoint.RequestDelegate!);
        return endpoint is RouteEndpoint route
            ? new RouteEndpoint(guarded, route.RoutePattern, route.Order, route.Metadata, route.DisplayName)
            : new Endpoint(guarded, endpoint.Metadata, endpoint.DisplayName);
    }
}
