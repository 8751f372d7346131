using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Mvc.Filters;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// A request without a key passes on here, whatever <see cref="IpAllowlistOptions.RequireApiKey"/>, a controller or a group says; a key
/// that is presented is still checked. <c>AllowMissingApiKey()</c> as an attribute.
/// </summary>
/// <remarks>
/// <para>
/// An attribute of an action overrides its controller's, and attributes override endpoint methods that stand outside
/// (<c>MapControllers()</c>, <c>MapGroup(…)</c>).
/// </para>
/// <para>
/// It fails closed: a request that reached the endpoint without having passed <c>UseFlowBeaconIpAllowlist()</c> behind routing ends in an
/// <see cref="InvalidOperationException"/> that names the remedy. Outside MVC that needs <c>AddFlowBeaconIpAllowlist()</c>: in a host that
/// does not call it, nothing reads the attribute of a minimal API's handler, and <b>requests are not checked</b>. The endpoint method
/// needs no call.
/// </para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class AllowMissingApiKeyAttribute : Attribute, IKeyRequirementMetadata, IAuthorizationFilter
{
    KeyRequirement IKeyRequirementMetadata.Requirement => KeyRequirement.Optional;

    void IAuthorizationFilter.OnAuthorization(AuthorizationFilterContext context) => EndpointGuard.ThrowIfUnchecked(context.HttpContext);

    /// <inheritdoc/>
    public override string ToString() => KeyRequirement.Optional.ToString();
}
