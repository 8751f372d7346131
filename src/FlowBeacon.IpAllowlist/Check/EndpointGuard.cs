using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Keeps endpoints that rely on the check from running for unchecked requests.</summary>
internal static class EndpointGuard
{
    /// <summary>An endpoint's handler, which runs only for checked requests.</summary>
    public static RequestDelegate Around(RequestDelegate handler) => context =>
    {
        ThrowIfUnchecked(context);
        return handler(context);
    };

    /// <summary>Refuses to run the endpoint of a request that was not checked as the endpoint's metadata requires.</summary>
    /// <exception cref="InvalidOperationException">The request was not checked, or was checked before the endpoint was known.</exception>
    public static void ThrowIfUnchecked(HttpContext context)
    {
        Endpoint? endpoint = context.GetEndpoint();
        var requirement = KeyRequirement.Of(endpoint);
        bool isChecked = RequestState.Get(context)?.CheckedBy is not null;
        bool isAdmitted = isChecked
            && (requirement == KeyRequirement.Optional || context.Features.Get<IIpAllowlistFeature>()!.Outcome.Passes());
        if (requirement != KeyRequirement.Disabled && !isAdmitted)
        {
            throw new InvalidOperationException(
                $"The endpoint '{endpoint?.DisplayName}' has RequireApiKey or AllowMissingApiKey, but its requests are not checked."
                + " Call app.UseFlowBeaconIpAllowlist() on its path and, if the application calls app.UseRouting() itself, after that.");
        }
    }
}
