using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>The settings that keys from configuration are read by.</summary>
/// <param name="Scopes">The host's scopes.</param>
internal sealed record ConfigurationKeyRules(ScopeRules Scopes);
