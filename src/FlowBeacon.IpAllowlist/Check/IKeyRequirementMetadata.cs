namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Endpoint metadata about whether requests need an API key, from endpoint methods and attributes. One type for all, so that the last one
/// applies.
/// </summary>
internal interface IKeyRequirementMetadata
{
    /// <summary>What is required.</summary>
    KeyRequirement Requirement { get; }
}
