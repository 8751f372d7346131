using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>The settings that the reader of configured keys depends on.</summary>
/// <param name="Scopes">The host's scopes.</param>
/// <param name="RequireAllowlist">Whether every key must have a list.</param>
/// <param name="Ranges">Which CIDR ranges a list may have; null if none.</param>
internal sealed record ConfigurationKeyRules(ScopeRules Scopes, bool RequireAllowlist, CidrRangeBounds? Ranges);
