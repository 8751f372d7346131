namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Endpoint metadata that names a scope: of <c>RequireApiKeyScope()</c> and of the attribute.</summary>
internal interface IScopeRequirement
{
    /// <summary>The scope.</summary>
    string Scope { get; }
}
