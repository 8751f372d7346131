using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Mvc.Filters;

namespace FlowBeacon.IpAllowlist;

/// <summary>Lets requests pass unchecked, with or without a key: <c>DisableIpAllowlist()</c> as an attribute.</summary>
/// <remarks>
/// An attribute of an action overrides its controller's, and attributes override endpoint methods called on
/// <c>MapControllers()</c> or <c>MapGroup(…)</c>.
/// </remarks>
// An empty filter, because MVC puts filters after all other metadata: an action's metadata must come after its controller's.
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class DisableIpAllowlistAttribute : Attribute, IKeyRequirementMetadata, IFilterMetadata
{
    KeyRequirement IKeyRequirementMetadata.Requirement => KeyRequirement.Disabled;

    /// <inheritdoc/>
    public override string ToString() => KeyRequirement.Disabled.ToString();
}
