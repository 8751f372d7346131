using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The settings that the rules of key administration depend on.</summary>
/// <param name="MaxAddressesPerKey">The longest list.</param>
/// <param name="ApiKeyPrefix">How raw keys begin.</param>
/// <param name="AuditTimeout">How long a change waits for the audit log.</param>
/// <param name="ClientIpSource">Where client addresses come from.</param>
/// <param name="Scopes">The host's scopes.</param>
/// <param name="RequireAllowlist">Whether every key but a break-glass key must have a list.</param>
/// <param name="Ranges">Which ranges new entries may be; null if none.</param>
/// <param name="RecoveryEntryLifetime">How long an entry that a recovery adds admits its address.</param>
internal sealed record ApiKeyManagementSettings(
    int MaxAddressesPerKey, string ApiKeyPrefix, TimeSpan AuditTimeout, ClientIpSource ClientIpSource, ScopeRules Scopes,
    bool RequireAllowlist, CidrRangeBounds? Ranges, TimeSpan RecoveryEntryLifetime);
