namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A part of the audit trail, newest first.</summary>
public sealed record AuditPage
{
    /// <summary>The entries, in descending order of <see cref="AuditEntry.Position"/>.</summary>
    public required IReadOnlyList<AuditEntry> Entries { get; init; }

    /// <summary>
    /// The value of <see cref="AuditQuery.After"/> for the next page; null if there is none. It is a position in the order, and stays valid
    /// when the entry that it comes from is removed. It is safe to put into a URL.
    /// </summary>
    public string? Next { get; init; }
}
