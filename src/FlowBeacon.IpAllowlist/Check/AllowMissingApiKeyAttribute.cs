using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Mvc.Filters;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Lets requests without a key pass, regardless of <see cref="IpAllowlistOptions.RequireApiKey"/>, the controller or group; a presented key
/// is still checked. <c>AllowMissingApiKey()</c> as an attribute.
/// </summary>
/// <remarks>
/// <para>
/// An attribute of an action overrides its controller's, and attributes override endpoint methods called on
/// <c>MapControllers()</c> or <c>MapGroup(…)</c>.
/// </para>
/// <para>
/// It fails closed: a request that reaches the endpoint without passing <c>UseFlowBeaconIpAllowlist()</c> behind routing ends in an
/// <see cref="InvalidOperationException"/> with the remedy. Outside MVC this needs <c>AddFlowBeaconIpAllowlist()</c>: without that call,
/// the attribute on a minimal API's handler is not read, and <b>requests are not checked</b>. The endpoint method does not need the
/// call.
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
