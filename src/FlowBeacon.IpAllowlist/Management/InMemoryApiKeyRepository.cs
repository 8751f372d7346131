using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// The default repository: keys live as long as the process. It commits to the <see cref="InMemoryApiKeyStore"/> that requests are checked
/// against.
/// </summary>
/// <remarks>
/// Entries are appended before the change is published. If one cannot be appended in time, or a conflicting change is written meanwhile,
/// the change is not carried out, and each of its entries in the log is replaced by one whose detail begins with "not carried out".
/// </remarks>
/// <param name="store">The store to commit to.</param>
/// <param name="audit">The audit log to commit to.</param>
/// <param name="time">The clock of <see cref="ApiKeyChange.AuditTimeout"/>; null for the system's.</param>
/// <param name="loggerFactory">Logs failures of the audit log; null to log nothing.</param>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim holds nothing to free unless its AvailableWaitHandle is used.")]
public sealed class InMemoryApiKeyRepository(
    InMemoryApiKeyStore store, IAuditLog audit, TimeProvider? time = null, ILoggerFactory? loggerFactory = null) : IApiKeyRepository
{
    // Held while a change is checked, recorded and written, so that a change which would be refused leaves no record.
    private readonly SemaphoreSlim _committing = new(1);
    private readonly Lock _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ILogger _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger(IpAllowlistLog.Category);
    private readonly SortedDictionary<string, ApiKeyDetails> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _idByLiveName = new(StringComparer.OrdinalIgnoreCase);
    private long _revision;

    /// <summary>
    /// The revision of the last change; 0 before the first. It is visible to requests.
    /// </summary>
    public long Revision => Volatile.Read(ref _revision);

    /// <inheritdoc/>
    public async ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (change.Keys.Contains(null) || change.Audit.Contains(null))
        {
            throw new ArgumentException("A change must not contain a null key or audit entry.", nameof(change));
        }

        cancellationToken.ThrowIfCancellationRequested();
        using var timeout = new CancellationTokenSource(change.AuditTimeout, _time);
        if (change.AcceptMissingAudit)
        {
            // Does not wait for the semaphore: its holder may be waiting for the log.
            return await RecordAndWriteAsync(change, timeout.Token);
        }

        if (!await _committing.TryWaitAsync(timeout.Token, cancellationToken))
        {
            throw new AuditUnavailableException(
                "An earlier change is still waiting for the audit log. Nothing was changed.",
                new TimeoutException("The change waited too long for an earlier one."));
        }

        try
        {
            return await RecordAndWriteAsync(change, timeout.Token);
        }
        finally
        {
            _committing.Release();
        }
    }

    /// <inheritdoc/>
    public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return new(_byId.GetValueOrDefault(id));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_lock)
        {
            return new([.. _byId.Values.Where(details => query.Matches(details, now)).Take(query.Limit)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_lock)
        {
            return new(ApiKeyCounts.Of(_byId.Values.Where(query.MatchesInAnyState), now));
        }
    }

    private async Task<long> RecordAndWriteAsync(ApiKeyChange change, CancellationToken timeout)
    {
        lock (_lock)
        {
            Check(change);
        }

        // The record comes first, so that there is no change without one. From here on the caller cannot cancel: the change must follow.
        var record = new ChangeAuditWriter(audit, change.Audit, _logger);
        await RecordAsync(change, record, timeout);
        try
        {
            lock (_lock)
            {
                // Checked again: a change that accepts a missing record may have been written in between.
                Check(change);
                long revision = _revision + 1;
                Write(change, revision);
                Interlocked.Exchange(ref _revision, revision);
                return revision;
            }
        }
        catch
        {
            record.Withdraw();
            throw;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Every exception of the log is handled.")]
    private async Task RecordAsync(ApiKeyChange change, ChangeAuditWriter record, CancellationToken timeout)
    {
        try
        {
            await record.AppendAsync(timeout);
        }
        catch (Exception failure) when (change.AcceptMissingAudit)
        {
            foreach (AuditEntry entry in change.Audit)
            {
                IpAllowlistLog.AuditMissing(_logger, failure, entry.Action.ToString(), entry.KeyId, entry.Actor.Id);
            }
        }
        catch (Exception failure)
        {
            record.Withdraw();
            foreach (AuditEntry entry in change.Audit)
            {
                IpAllowlistLog.AuditUnavailable(_logger, failure, entry.Action.ToString(), entry.KeyId, entry.Actor.Id);
            }

            throw new AuditUnavailableException("The audit log did not accept the entries of the change. Nothing was changed.", failure);
        }
    }

    private void Check(ApiKeyChange change)
    {
        var changed = change.Keys.Select(write => write.Details.Key.Id).ToHashSet(StringComparer.Ordinal);
        if (changed.Count != change.Keys.Count)
        {
            throw new ArgumentException("The change contains the same key twice.", nameof(change));
        }

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var hashes = new HashSet<ApiKeyHash>();
        foreach (ApiKeyWrite write in change.Keys)
        {
            ApiKey key = write.Details.Key;
            long version = _byId.TryGetValue(key.Id, out ApiKeyDetails? current) ? current.Version : 0;
            if (version != write.ExpectedVersion)
            {
                throw new ApiKeyConflictException(ApiKeyConflict.StaleVersion, key.Id);
            }

            if (version == 0 && key.AllowedIps.IsUnreadable)
            {
                throw new ArgumentException($"The new API key '{key.Id}' has an unreadable list.", nameof(change));
            }

            bool isTaken = _idByLiveName.TryGetValue(key.Name, out string? owner) && !changed.Contains(owner);
            if (!key.IsRevoked && (isTaken || !names.Add(key.Name)))
            {
                throw new ApiKeyConflictException(ApiKeyConflict.NameTaken, key.Id);
            }

            foreach (ApiKeyHash hash in key.Hashes)
            {
                if (!hashes.Add(hash) || (store.Find(hash) is { } other && other.Id != key.Id))
                {
                    throw new ApiKeyConflictException(ApiKeyConflict.HashTaken, key.Id);
                }
            }
        }
    }

    private void Write(ApiKeyChange change, long revision)
    {
        store.Apply([.. change.Keys.Select(write => write.Details.Key)], []);
        foreach (ApiKeyWrite write in change.Keys)
        {
            if (_byId.TryGetValue(write.Details.Key.Id, out ApiKeyDetails? before) && !before.Key.IsRevoked)
            {
                _idByLiveName.Remove(before.Key.Name);
            }
        }

        foreach (ApiKeyWrite write in change.Keys)
        {
            ApiKey key = write.Details.Key;
            _byId[key.Id] = write.Details with { Revision = revision };
            if (!key.IsRevoked)
            {
                _idByLiveName[key.Name] = key.Id;
            }
        }
    }
}
