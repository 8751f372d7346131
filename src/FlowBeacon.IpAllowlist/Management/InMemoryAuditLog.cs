namespace FlowBeacon.IpAllowlist;

/// <summary>The newest audit entries, in this process's memory: the default.</summary>
/// <remarks>
/// Bounded by kind: changes of keys; what somebody known can repeat (refusals, uses of break-glass keys); refusals of strangers. So
/// nobody can push out the record of a change by being refused often, nor a stranger that of anybody else.
/// </remarks>
public sealed class InMemoryAuditLog : IAuditLog
{
    /// <summary>The number of changes kept.</summary>
    public const int ChangesKept = 10_000;

    /// <summary>The number of refusals and break-glass uses kept, and again of refusals of strangers.</summary>
    public const int RepeatablesKept = 1_000;

    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _changes = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _repeatables = [];
    private readonly OrderedDictionary<string, (long Order, AuditEntry Entry)> _byStrangers = [];
    private long _order;

    /// <inheritdoc/>
    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        bool isRepeatable = entry.Action is AuditAction.Refused or AuditAction.BreakGlassUse;
        lock (_lock)
        {
            OrderedDictionary<string, (long Order, AuditEntry Entry)> kept = !isRepeatable ? _changes
                : entry.Actor.Kind == ApiKeyActorKind.Anonymous ? _byStrangers : _repeatables;
            long order = kept.TryGetValue(entry.Id, out (long Order, AuditEntry Entry) earlier) ? earlier.Order : ++_order;
            kept[entry.Id] = (order, entry);
            if (kept.Count > (isRepeatable ? RepeatablesKept : ChangesKept))
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
            IEnumerable<(long Order, AuditEntry Entry)> all = [.. _changes.Values, .. _repeatables.Values, .. _byStrangers.Values];
            long before = query.Before is null ? long.MaxValue : all.FirstOrDefault(kept => kept.Entry.Id == query.Before).Order;
            return new([.. all
                .Where(kept => kept.Order < before && (query.KeyId is null || kept.Entry.KeyId == query.KeyId))
                .OrderByDescending(kept => kept.Order)
                .Take(query.Limit)
                .Select(kept => kept.Entry)]);
        }
    }
}
