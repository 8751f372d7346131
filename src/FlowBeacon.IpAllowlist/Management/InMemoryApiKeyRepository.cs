using System.Diagnostics.CodeAnalysis;

namespace FlowBeacon.IpAllowlist;

/// <summary>Keys that live as long as the process: the default. It commits to the <see cref="InMemoryApiKeyStore"/> the request path reads.</summary>
/// <remarks>
/// With an <see cref="IAuditLog"/> of the host's own, entries are appended before the change is published: if one of several cannot be
/// appended, or other code puts the same hash into the store in that moment, the change does not happen and earlier entries remain.
/// </remarks>
/// <param name="store">The store to commit to.</param>
/// <param name="audit">The audit log to commit to.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle is never asked for holds nothing to free.")]
public sealed class InMemoryApiKeyRepository(InMemoryApiKeyStore store, IAuditLog audit) : IApiKeyRepository
{
    private readonly SemaphoreSlim _committing = new(1);
    private readonly Lock _reading = new();
    private readonly SortedDictionary<string, ApiKeyDetails> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _idByLiveName = new(StringComparer.OrdinalIgnoreCase);
    private long _revision;

    /// <inheritdoc/>
    public async ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (change.Keys.Contains(null) || change.Audit.Contains(null))
        {
            throw new ArgumentException("A change has neither a key nor an audit entry that is null.", nameof(change));
        }

        await _committing.WaitAsync(cancellationToken);
        try
        {
            Check(change);

            // The record comes first: if it fails, nothing is changed, and a change without its record cannot be. From here on the commit
            // is not cancelled, so that there is no record without its change either.
            foreach (AuditEntry entry in change.Audit)
            {
                await audit.AppendAsync(entry, CancellationToken.None);
            }

            Write(change);
            return ++_revision;
        }
        finally
        {
            _committing.Release();
        }
    }

    /// <inheritdoc/>
    public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken)
    {
        lock (_reading)
        {
            return new(_byId.GetValueOrDefault(id));
        }
    }

    /// <inheritdoc/>
    public ValueTask<ApiKeyDetails?> FindByNameAsync(string name, CancellationToken cancellationToken)
    {
        lock (_reading)
        {
            return new(_idByLiveName.TryGetValue(name, out string? id) ? _byId[id] : null);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_reading)
        {
            return new([.. _byId.Values
                .Where(details => query.After is null || string.CompareOrdinal(details.Key.Id, query.After) > 0)
                .Where(details => query.State is null || details.StateAt(query.Now) == query.State)
                .Take(query.Limit)]);
        }
    }

    private void Check(ApiKeyChange change)
    {
        var changed = change.Keys.Select(write => write.Details.Key.Id).ToHashSet(StringComparer.Ordinal);
        if (changed.Count != change.Keys.Count)
        {
            throw new ArgumentException("A key is named twice in one change.", nameof(change));
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

    private void Write(ApiKeyChange change)
    {
        store.Apply([.. change.Keys.Select(write => write.Details.Key)], []);
        lock (_reading)
        {
            foreach (ApiKeyWrite write in change.Keys)
            {
                ForgetName(write.Details.Key.Id);
            }

            foreach (ApiKeyWrite write in change.Keys)
            {
                ApiKey key = write.Details.Key;
                _byId[key.Id] = write.Details;
                if (!key.IsRevoked)
                {
                    _idByLiveName[key.Name] = key.Id;
                }
            }
        }
    }

    private void ForgetName(string id)
    {
        if (_byId.TryGetValue(id, out ApiKeyDetails? before) && !before.Key.IsRevoked)
        {
            _idByLiveName.Remove(before.Key.Name);
        }
    }
}
