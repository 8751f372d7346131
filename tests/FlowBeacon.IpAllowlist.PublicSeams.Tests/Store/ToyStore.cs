using System.Globalization;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>
/// What the hosts of a fleet share, as a database would be: rows of keys, the audit trail beside them, and which revision each host is at.
/// It may be away; a host then goes on with what it has loaded.
/// </summary>
internal sealed class ToyStore : IApiKeyRepository, IAuditLog
{
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(7);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, ToyKeyRow> _rows = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, AuditEntry> _audit = [];
    private readonly Dictionary<string, FleetNode> _nodes = [];
    private TaskCompletionSource _reported = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _revision;

    /// <summary>Whether nothing can be read or written at the moment.</summary>
    public bool IsAway { get; set; }

    /// <summary>The revision of the last change.</summary>
    public long Revision => Read(() => _revision);

    /// <summary>Completes when a host reports next.</summary>
    public Task NextReport => Read(() => _reported.Task);

    /// <summary>The hosts, by what each of them reported last.</summary>
    public IReadOnlyList<FleetNode> Nodes => Read(() => _nodes.Values.ToArray());

    public ToyKeyRow RowOf(string id) => Read(() => _rows[id]);

    /// <summary>Writes a key's list as a manual repair, or damage, would.</summary>
    public void WriteList(string id, string? text) => Read(() => _rows[id] = _rows[id] with { AllowedIps = text, Revision = ++_revision });

    /// <summary>All keys, and the revision that they are at.</summary>
    public (long Revision, IReadOnlyList<ApiKey> Keys) Load() =>
        Read(() => (_revision, (IReadOnlyList<ApiKey>)[.. _rows.Values.Select(row => row.ToDetails().Key)]));

    /// <summary>A host says which revision its requests see.</summary>
    public void Report(FleetNode node)
    {
        TaskCompletionSource reported = Read(() =>
        {
            _nodes[node.Id] = node;
            return Interlocked.Exchange(ref _reported, new(TaskCreationOptions.RunContinuationsAsynchronously));
        });
        reported.SetResult();
    }

    public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
    {
        if (change.Audit.Contains(null))
        {
            throw new ArgumentException("An audit entry is null.", nameof(change));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(() =>
        {
            // All rows are made before the first is written, so a change that is refused leaves nothing.
            foreach (ToyKeyRow row in RowsOf(change, _revision + 1))
            {
                _rows[row.Id] = row;
            }

            foreach (AuditEntry entry in change.Audit)
            {
                Append(entry);
            }

            return ++_revision;
        }));
    }

    public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) =>
        new(Read(() => _rows.GetValueOrDefault(id)?.ToDetails()));

    public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
        ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => new(Read(() => Find(query)
            .Where(details => query.After is null || string.CompareOrdinal(details.Key.Id, query.After) > 0)
            .Where(details => query.State is null || details.StateAt(now) == query.State)
            .Take(query.Limit)
            .ToArray()));

    public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ILookup<ApiKeyState, ApiKeyDetails> byState = Read(() => Find(query).ToLookup(details => details.StateAt(now)));
        return new(new ApiKeyCounts
        {
            Active = byState[ApiKeyState.Active].Count(),
            Expired = byState[ApiKeyState.Expired].Count(),
            Disabled = byState[ApiKeyState.Disabled].Count(),
            Revoked = byState[ApiKeyState.Revoked].Count(),
        });
    }

    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        Read(() => Append(entry));
        return ValueTask.CompletedTask;
    }

    public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        long before = query.After is null ? long.MaxValue : long.Parse(query.After, NumberStyles.None, CultureInfo.InvariantCulture);
        return new(Read(() =>
        {
            AuditEntry[] found = [.. _audit.Values
                .Where(entry => (query.KeyId is null || entry.KeyId == query.KeyId) && entry.Position < before)
                .OrderByDescending(entry => entry.Position)];
            AuditEntry[] page = [.. found.Take(query.Limit)];
            return new AuditPage
            {
                Entries = page,
                Next = found.Length > page.Length ? page[^1].Position.ToString(CultureInfo.InvariantCulture) : null,
            };
        }));
    }

    private AuditEntry Append(AuditEntry entry)
    {
        long position = _audit.TryGetValue(entry.Id, out AuditEntry? earlier) ? earlier.Position : _audit.Count + 1;
        return _audit[entry.Id] = entry with { Position = position };
    }

    /// <summary>The rows that a change writes, each at the version it expects and unique by name and hash.</summary>
    private List<ToyKeyRow> RowsOf(ApiKeyChange change, long revision)
    {
        Dictionary<string, ApiKeyWrite> writes = change.Keys.ToDictionary(write => write.Details.Key.Id);
        foreach ((string id, ApiKeyWrite write) in writes)
        {
            if ((_rows.GetValueOrDefault(id)?.Version ?? 0) != write.ExpectedVersion)
            {
                throw new ApiKeyConflictException(ApiKeyConflict.StaleVersion, id);
            }
        }

        List<ToyKeyRow> others = [.. _rows.Values.Where(row => !writes.ContainsKey(row.Id))];
        var written = new List<ToyKeyRow>();
        foreach (ApiKeyWrite write in change.Keys)
        {
            ToyKeyRow row = ToyKeyRow.Of(write.Details, revision, _rows.GetValueOrDefault(write.Details.Key.Id));
            if (others.Any(other => HaveSameLiveName(other, row)))
            {
                throw new ApiKeyConflictException(ApiKeyConflict.NameTaken, row.Id);
            }

            if (others.Any(other => other.Hashes.Any(taken => row.Hashes.Any(hash => hash.SequenceEqual(taken)))))
            {
                throw new ApiKeyConflictException(ApiKeyConflict.HashTaken, row.Id);
            }

            written.Add(row);
            others.Add(row);
        }

        return written;
    }

    private static bool HaveSameLiveName(ToyKeyRow one, ToyKeyRow other) =>
        !one.IsRevoked && !other.IsRevoked && one.Name.Equals(other.Name, StringComparison.OrdinalIgnoreCase);

    /// <summary>The keys of a query by name and prefix, in the order of their ids.</summary>
    private IEnumerable<ApiKeyDetails> Find(ApiKeyQuery query) => _rows.Values
        .Where(row => query.NameContains is null || row.Name.Contains(query.NameContains, StringComparison.OrdinalIgnoreCase))
        .Where(row => query.Prefix is null || HasPrefix(row.Prefix, query.Prefix) || HasPrefix(row.OldPrefix, query.Prefix))
        .Select(row => row.ToDetails());

    private static bool HasPrefix(string? text, string prefix) => text?.StartsWith(prefix, StringComparison.Ordinal) == true;

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
        {
            return IsAway ? throw new ApiKeyStoreUnavailableException("The toy store is away.", RetryAfter) : read();
        }
    }
}
