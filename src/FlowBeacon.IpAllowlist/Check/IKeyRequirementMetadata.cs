namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Endpoint metadata that says whether requests need an API key: what endpoint methods add, and attributes. One type for all, so that the
/// last one counts.
/// </summary>
internal interface IKeyRequirementMetadata
{
    /// <summary>What is required.</summary>
    KeyRequirement Requirement { get; }
}
