using System.Globalization;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The newest audit entries, in this process's memory: the default.</summary>
/// <remarks>
/// Each kind of entry has its own bound: changes of keys; uses of break-glass keys; refusals of known callers; refusals of anonymous
/// callers. So many refusals cannot push out other records. Uses are shared out among break-glass keys: the key with the most entries
/// loses its oldest, so with n keys each keeps its newest 1,000 / n.
/// </remarks>
public sealed class InMemoryAuditLog : IAuditLog
{
    /// <summary>The number of changes kept.</summary>
    public const int ChangesKept = 10_000;

    /// <summary>The number of entries kept of each of the other kinds.</summary>
    public const int RepeatablesKept = 1_000;

    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, AuditEntry> _changes = [];
    private readonly Dictionary<string, OrderedDictionary<string, AuditEntry>> _usesByBreakGlassKey = [];
    private readonly OrderedDictionary<string, AuditEntry> _refusals = [];
    private readonly OrderedDictionary<string, AuditEntry> _anonymousRefusals = [];
    private long _lastPosition;

    /// <inheritdoc/>
    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        lock (_lock)
        {
            OrderedDictionary<string, AuditEntry> kept = entry.Action switch
            {
                AuditAction.BreakGlassUse => UsesOf(entry.KeyId ?? entry.Actor.Id),
                AuditAction.Refused when entry.Actor.Kind == ApiKeyActorKind.Anonymous => _anonymousRefusals,
                AuditAction.Refused => _refusals,
                _ => _changes,
            };
            long position = kept.TryGetValue(entry.Id, out AuditEntry? earlier) ? earlier.Position : ++_lastPosition;
            kept[entry.Id] = entry with { Position = position };
            if (entry.Action == AuditAction.BreakGlassUse)
            {
                MakeRoomForUses();
            }
            else if (kept.Count > (ReferenceEquals(kept, _changes) ? ChangesKept : RepeatablesKept))
            {
                kept.RemoveAt(0);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        long before = query.After is null ? long.MaxValue : PositionOf(query.After);
        lock (_lock)
        {
            IEnumerable<AuditEntry> all =
            [
                .. _changes.Values,
                .. _usesByBreakGlassKey.Values.SelectMany(uses => uses.Values),
                .. _refusals.Values,
                .. _anonymousRefusals.Values,
            ];
            AuditEntry[] found = [.. all
                .Where(entry => entry.Position < before && (query.KeyId is null || entry.KeyId == query.KeyId))
                .OrderByDescending(entry => entry.Position)];
            AuditEntry[] page = [.. found.Take(query.Limit)];
            return new(new AuditPage
            {
                Entries = page,
                Next = found.Length > page.Length ? page[^1].Position.ToString(CultureInfo.InvariantCulture) : null,
            });
        }
    }

    private static long PositionOf(string cursor) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out long position) && position > 0
            ? position
            : throw new FormatException($"{nameof(AuditQuery)}.{nameof(AuditQuery.After)} is not from an earlier page.");

    private OrderedDictionary<string, AuditEntry> UsesOf(string keyId)
    {
        if (!_usesByBreakGlassKey.TryGetValue(keyId, out OrderedDictionary<string, AuditEntry>? uses))
        {
            _usesByBreakGlassKey.Add(keyId, uses = []);
        }

        return uses;
    }

    private void MakeRoomForUses()
    {
        if (_usesByBreakGlassKey.Values.Sum(uses => uses.Count) <= RepeatablesKept)
        {
            return;
        }

        (string keyId, OrderedDictionary<string, AuditEntry> most) = _usesByBreakGlassKey.MaxBy(key => key.Value.Count);
        most.RemoveAt(0);
        if (most.Count == 0)
        {
            _usesByBreakGlassKey.Remove(keyId);
        }
    }
}
