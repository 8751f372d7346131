namespace FlowBeacon.IpAllowlist;

/// <summary>Keys and the audit entries that belong to their change: committed all together or not at all.</summary>
/// <param name="Keys">The keys to write.</param>
/// <param name="Audit">The entries to append.</param>
public sealed record ApiKeyChange(IReadOnlyList<ApiKeyWrite> Keys, IReadOnlyList<AuditEntry> Audit);
