namespace FlowBeacon.IpAllowlist;

/// <summary>Which audit entries to read, newest first.</summary>
/// <param name="KeyId">Only entries about this key; null for all.</param>
/// <param name="Before">Only entries older than the one with this id; null to begin with the newest.</param>
/// <param name="Limit">The most entries to return.</param>
public sealed record AuditQuery(string? KeyId, string? Before, int Limit);
