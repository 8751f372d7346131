using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Mvc.Filters;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Answers requests without a valid key with 401: <c>RequireApiKey()</c> as an attribute, for controllers, actions, Razor pages, hubs and
/// handlers of minimal APIs.
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
/// <para>Only the endpoint method adds the 401 and 403 to the host's OpenAPI document.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class RequireApiKeyAttribute : Attribute, IKeyRequirementMetadata, IAuthorizationFilter
{
    KeyRequirement IKeyRequirementMetadata.Requirement => KeyRequirement.Required;

    void IAuthorizationFilter.OnAuthorization(AuthorizationFilterContext context) => EndpointGuard.ThrowIfUnchecked(context.HttpContext);

    /// <inheritdoc/>
    public override string ToString() => KeyRequirement.Required.ToString();
}
