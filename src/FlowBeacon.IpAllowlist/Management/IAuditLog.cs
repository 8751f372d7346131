namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The audit trail of key administration. Register your own as a singleton; it is called concurrently.</summary>
/// <remarks>
/// Entries of a change of keys are part of its commit, see <see cref="ApiKeyChange"/>: a repository that shares nothing with this log
/// records them itself. A log that throws, or does not answer within <see cref="IpAllowlistOptions.AuditTimeout"/>, refuses the change;
/// only a revocation can be made without its record, with <see cref="ApiKeyChange.AcceptMissingAudit"/>.
/// </remarks>
public interface IAuditLog
{
    /// <summary>
    /// Appends an entry, or replaces the one with the same id. It must not block its caller. An entry that is recorded after its change
    /// was refused is replaced by one whose detail begins with "not carried out".
    /// </summary>
    /// <param name="entry">The entry.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>A task that completes when the entry is recorded.</returns>
    ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken);

    /// <summary>Reads entries, newest first.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>
    /// At most <see cref="AuditQuery.Limit"/> entries, in descending order of <see cref="AuditEntry.Position"/>, which the log has set, and
    /// where to read on.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    /// <exception cref="FormatException"><see cref="AuditQuery.After"/> is not from an earlier page.</exception>
    ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken);
}
