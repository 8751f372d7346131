namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Keys and the audit entries that belong to their change: committed all together or not at all.</summary>
public sealed record ApiKeyChange
{
    /// <summary>The keys to write, each once.</summary>
    public required IReadOnlyList<ApiKeyWrite> Keys { get; init; }

    /// <summary>The entries to append.</summary>
    public required IReadOnlyList<AuditEntry> Audit { get; init; }

    /// <summary>
    /// How long the commit may wait for the audit log, and for other changes that wait for it; 5 seconds by default,
    /// <see cref="IpAllowlistOptions.AuditTimeout"/> for a change that <see cref="ApiKeyManager"/> makes.
    /// </summary>
    public TimeSpan AuditTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether the keys are to be written even if the entries cannot be appended within <see cref="AuditTimeout"/>; false by default. For
    /// emergencies: only a revocation uses it. The repository must try to append first, must not let the change wait behind others that
    /// wait for the log, and must log an error with the key's id and the actor when the keys are written without a record.
    /// </summary>
    public bool AcceptMissingAudit { get; init; }
}
