namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The newest audit entries, in this process's memory: the default.</summary>
/// <remarks>
/// Bounded by kind: changes of keys; uses of break-glass keys; refusals of callers who are known; refusals of strangers. So nobody can
/// push out the record of a change by being refused often, nor that of a break-glass use, nor a stranger that of anybody else. Uses are
/// shared out among break-glass keys: the key with the most entries loses its oldest, so with n keys each keeps its newest 1,000 / n.
/// </remarks>
public sealed class InMemoryAuditLog : IAuditLog
{
    /// <summary>The number of changes kept.</summary>
    public const int ChangesKept = 10_000;

    /// <summary>The number of entries kept of each of the other kinds.</summary>
    public const int RepeatablesKept = 1_000;

    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _changes = [];
    private readonly Dictionary<string, OrderedDictionary<string, (long Order, AuditEntry Entry)>> _usesByBreakGlassKey = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _refusals = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _byStrangers = [];
    private long _order;

    /// <inheritdoc/>
    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        lock (_lock)
        {
            OrderedDictionary<string, (long Order, AuditEntry Entry)> kept = entry.Action switch
            {
                AuditAction.BreakGlassUse => UsesOf(entry.KeyId ?? entry.Actor.Id),
                AuditAction.Refused when entry.Actor.Kind == ApiKeyActorKind.Anonymous => _byStrangers,
                AuditAction.Refused => _refusals,
                _ => _changes,
            };
            long order = kept.TryGetValue(entry.Id, out (long Order, AuditEntry Entry) earlier) ? earlier.Order : ++_order;
            kept[entry.Id] = (order, entry with { Position = order });
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
    public ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_lock)
        {
            IEnumerable<(long Order, AuditEntry Entry)> all =
            [
                .. _changes.Values,
                .. _usesByBreakGlassKey.Values.SelectMany(uses => uses.Values),
                .. _refusals.Values,
                .. _byStrangers.Values,
            ];
            long before = query.Before ?? long.MaxValue;
            return new([.. all
                .Where(kept => kept.Order < before && (query.KeyId is null || kept.Entry.KeyId == query.KeyId))
                .OrderByDescending(kept => kept.Order)
                .Take(query.Limit)
                .Select(kept => kept.Entry)]);
        }
    }

    private OrderedDictionary<string, (long Order, AuditEntry Entry)> UsesOf(string keyId)
    {
        if (!_usesByBreakGlassKey.TryGetValue(keyId, out OrderedDictionary<string, (long Order, AuditEntry Entry)>? uses))
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

        (string keyId, OrderedDictionary<string, (long Order, AuditEntry Entry)> most) = _usesByBreakGlassKey.MaxBy(key => key.Value.Count);
        most.RemoveAt(0);
        if (most.Count == 0)
        {
            _usesByBreakGlassKey.Remove(keyId);
        }
    }
}
