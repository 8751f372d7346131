using FlowBeacon.IpAllowlist.Check;

namespace FlowBeacon.IpAllowlist;

/// <summary>Requests pass unchecked here, whatever key they carry: <c>DisableIpAllowlist()</c> as an attribute.</summary>
/// <remarks>
/// An attribute of an action overrides its controller's, and attributes override endpoint methods that stand outside
/// (<c>MapControllers()</c>, <c>MapGroup(…)</c>).
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class DisableIpAllowlistAttribute : Attribute, IKeyRequirementMetadata
{
    KeyRequirement IKeyRequirementMetadata.Requirement => KeyRequirement.Disabled;

    /// <inheritdoc/>
    public override string ToString() => KeyRequirement.Disabled.ToString();
}
