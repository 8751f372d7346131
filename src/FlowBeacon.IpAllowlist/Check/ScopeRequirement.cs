namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Endpoint metadata of <c>RequireApiKeyScope()</c>, by which start-up finds a scope that the host does not have.</summary>
internal sealed record ScopeRequirement(string Scope) : IScopeRequirement
{
    public override string ToString() => $"API key scope {Scope}";
}
