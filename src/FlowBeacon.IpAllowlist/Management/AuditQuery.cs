namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Which audit entries to read, newest first.</summary>
/// <param name="KeyId">Only entries about this key; null for all.</param>
/// <param name="Before">
/// Only entries at a lower <see cref="AuditEntry.Position"/>; null to begin with the newest. To read on, the position of the last entry
/// read: it is a place in the order, and holds whether or not that entry is still on record.
/// </param>
/// <param name="Limit">The most entries to return.</param>
public sealed record AuditQuery(string? KeyId, long? Before, int Limit);
