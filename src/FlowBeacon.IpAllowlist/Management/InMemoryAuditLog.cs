namespace FlowBeacon.IpAllowlist;

/// <summary>The newest audit entries, in this process's memory: the default.</summary>
/// <remarks>
/// Bounded by kind: changes of keys; uses of break-glass keys; refusals of callers who are known; refusals of strangers. So nobody can
/// push out the record of a change by being refused often, nor that of a break-glass use, nor a stranger that of anybody else.
/// </remarks>
public sealed class InMemoryAuditLog : IAuditLog
{
    /// <summary>The number of changes kept.</summary>
    public const int ChangesKept = 10_000;

    /// <summary>The number of entries kept of each of the other kinds.</summary>
    public const int RepeatablesKept = 1_000;

    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _changes = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _breakGlassUses = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _refusals = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _byStrangers = [];
    private long _order;

    /// <inheritdoc/>
    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        OrderedDictionary<string, (long Order, AuditEntry Entry)> kept = entry.Action switch
        {
            AuditAction.BreakGlassUse => _breakGlassUses,
            AuditAction.Refused when entry.Actor.Kind == ApiKeyActorKind.Anonymous => _byStrangers,
            AuditAction.Refused => _refusals,
            _ => _changes,
        };
        lock (_lock)
        {
            long order = kept.TryGetValue(entry.Id, out (long Order, AuditEntry Entry) earlier) ? earlier.Order : ++_order;
            kept[entry.Id] = (order, entry with { Position = order });
            if (kept.Count > (ReferenceEquals(kept, _changes) ? ChangesKept : RepeatablesKept))
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
            IEnumerable<(long Order, AuditEntry Entry)> all = [.. _changes.Values, .. _breakGlassUses.Values, .. _refusals.Values, .. _byStrangers.Values];
            long before = query.Before ?? long.MaxValue;
            return new([.. all
                .Where(kept => kept.Order < before && (query.KeyId is null || kept.Entry.KeyId == query.KeyId))
                .OrderByDescending(kept => kept.Order)
                .Take(query.Limit)
                .Select(kept => kept.Entry)]);
        }
    }
}
