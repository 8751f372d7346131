using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Keeps endpoints that rely on the check from running where nothing has checked the request.</summary>
internal static class EndpointGuard
{
    /// <summary>An endpoint's handler, run for checked requests alone.</summary>
    public static RequestDelegate Around(RequestDelegate handler) => context =>
    {
        ThrowIfUnchecked(context);
        return handler(context);
    };

    /// <summary>Refuses to run the endpoint of a request that was not checked as the endpoint's metadata demands.</summary>
    /// <exception cref="InvalidOperationException">The request was not checked, or not with this endpoint in view.</exception>
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
                $"The endpoint '{endpoint?.DisplayName}' says RequireApiKey or AllowMissingApiKey, but its requests are not checked."
                + " Call app.UseFlowBeaconIpAllowlist() on its path and, if the application calls app.UseRouting() itself, after that.");
        }
    }
}
