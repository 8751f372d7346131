namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Endpoint metadata of <c>RequireApiKeyScope()</c>, used at start-up to find unknown scopes.</summary>
internal sealed record ScopeRequirement(string Scope) : IScopeRequirement
{
    public override string ToString() => $"API key scope {Scope}";
}
