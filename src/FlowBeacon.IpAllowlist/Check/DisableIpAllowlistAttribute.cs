using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Mvc.Filters;

namespace FlowBeacon.IpAllowlist;

/// <summary>Requests pass unchecked here, whatever key they carry: <c>DisableIpAllowlist()</c> as an attribute.</summary>
/// <remarks>
/// An attribute of an action overrides its controller's, and attributes override endpoint methods that stand outside
/// (<c>MapControllers()</c>, <c>MapGroup(…)</c>).
/// </remarks>
// A filter that does nothing, because MVC puts filters behind all other metadata: an action's word must stand behind its controller's.
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class DisableIpAllowlistAttribute : Attribute, IKeyRequirementMetadata, IFilterMetadata
{
    KeyRequirement IKeyRequirementMetadata.Requirement => KeyRequirement.Disabled;

    /// <inheritdoc/>
    public override string ToString() => KeyRequirement.Disabled.ToString();
}
