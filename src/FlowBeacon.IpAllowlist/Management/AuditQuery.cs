namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Which audit entries to read, newest first.</summary>
public sealed record AuditQuery
{
    /// <summary>Only entries about this key; null for all.</summary>
    public string? KeyId { get; init; }

    /// <summary>
    /// Only entries at a lower <see cref="AuditEntry.Position"/>; null to begin with the newest. To read on, the position of the last entry
    /// read: it is a place in the order, and holds whether or not that entry is still on record.
    /// </summary>
    public long? Before { get; init; }

    /// <summary>The most entries to return.</summary>
    public int Limit { get; init; } = 50;
}
