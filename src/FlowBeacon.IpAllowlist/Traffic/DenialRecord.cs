using System.Collections.Concurrent;
using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The bounded record of denials and report-only denials, in this process's memory.</summary>
internal sealed class DenialRecord(CoarseClock clock)
{
    /// <summary>The most keys whose denials are kept; beyond it, the record of the least recently denied key is dropped.</summary>
    public const int MostKeys = 1_024;

    /// <summary>The same for requests to the health endpoint from addresses that are not allowed.</summary>
    public const int MostHealthKeys = 256;

    private readonly Lock _addingKey = new();
    private readonly int[] _pairsSeen = new int[4_096];
    private readonly ConcurrentDictionary<string, KeyDenials> _byKey = new(StringComparer.Ordinal);

    // Separate, so that requests to the health endpoint cannot evict denials.
    private readonly ConcurrentDictionary<string, KeyDenials> _healthByKey = new(StringComparer.Ordinal);

    // Totals that were not taken before a key's record was dropped; changed under the lock. At most one item for each key, and none
    // while changes are not taken.
    private Dictionary<string, DenialTotalsChange> _droppedTotals = new(StringComparer.Ordinal);
    private bool _isTaken;

    /// <summary>Records a denial.</summary>
    /// <returns>Whether it is the first denial of this key from this address, as far as is remembered.</returns>
    public bool Add(DenialOccurrence denial)
    {
        // Shortened before it is stored: a raw key may have been pasted into the path.
        denial = denial with { Method = PrintableText.Cut(denial.Method), Path = PrintableText.Cut(denial.Path) };
        while (!FindOrBegin(denial.KeyId, denial.IsHealth).TryAdd(denial, clock.Now))
        {
            // The key's record was dropped concurrently.
        }

        return !denial.IsHealth && IsFirstOfPair(HashCode.Combine(denial.KeyId, denial.Client.Address, denial.Reason, denial.IsReportOnly));
    }

    /// <summary>Whether a key was denied from an address that is not listed, at an instant or later.</summary>
    public bool WasDenied(string keyId, IPAddress address, DateTimeOffset since) =>
        _byKey.TryGetValue(keyId, out KeyDenials? key) && key.WasDeniedSince(IpAddressValue.From(address), since.ToUnixTimeSeconds());

    /// <summary>Reads the record: one item for each key, address and reason.</summary>
    public DenialPage Read(DenialQuery query)
    {
        IpAddressValue? address = query.ClientIp is null ? null : IpAddressValue.From(query.ClientIp);
        long? since = query.Since?.ToUnixTimeSeconds();
        DenialPosition? after = query.After is null ? null : DenialPosition.Parse(query.After, query.Order);
        DenialRow[] rows = [.. Keys(_byKey, query.KeyId).Concat(Keys(_healthByKey, query.KeyId)).SelectMany(key => key.Read(IsWanted))];
        DenialRow[] page = [.. rows.OrderBy(row => DenialPosition.Of(row, query.Order)).Take(query.Limit)];
        return new DenialPage
        {
            Denials = [.. page.Select(ToDenial)],
            Next = rows.Length > page.Length ? DenialPosition.Of(page[^1], query.Order).ToText(query.Order) : null,
        };

        bool IsWanted(DenialRow row) =>
            (address is null || (row.Last.Client.IsKnown && row.Last.Client.Address == address))
            && (since is null || row.LastSeen >= since)
            && (after is null || DenialPosition.Of(row, query.Order).CompareTo(after.Value) > 0);
    }

    /// <summary>Reads exact numbers of denials of the keys whose records are held.</summary>
    /// <param name="keyId">Only this key's; null for all.</param>
    public DenialTotals Totals(string? keyId)
    {
        DenialTotals[] totals = [.. Keys(_byKey, keyId).Select(key => key.Totals)];
        return new DenialTotals { Denied = totals.Sum(key => key.Denied), WouldDeny = totals.Sum(key => key.WouldDeny) };
    }

    /// <summary>The last denial of each key that was denied since an instant.</summary>
    public IReadOnlyList<DenialOccurrence> LastOfEachKey(uint since) =>
        [.. _byKey.Values.Where(key => key.LastAt >= since).Select(key => key.Last).OfType<DenialOccurrence>()];

    /// <summary>The rows and totals that were added since the last call, key by key.</summary>
    public IEnumerable<object> TakeChanges()
    {
        foreach (DenialTotalsChange totals in TakeDroppedTotals().Values)
        {
            yield return totals;
        }

        foreach ((string keyId, KeyDenials key) in _byKey)
        {
            (IReadOnlyList<DenialRow> rows, DenialTotalsChange? totals) = key.TakeChanges(keyId);
            foreach (DenialRow row in rows)
            {
                yield return ToDenial(row);
            }

            if (totals is not null)
            {
                yield return totals;
            }
        }

        foreach ((string keyId, KeyDenials key) in _healthByKey)
        {
            // Without totals: requests to the health endpoint do not count in them.
            foreach (DenialRow row in key.TakeChanges(keyId).Rows)
            {
                yield return ToDenial(row);
            }
        }
    }

    private Dictionary<string, DenialTotalsChange> TakeDroppedTotals()
    {
        lock (_addingKey)
        {
            _isTaken = true;
            Dictionary<string, DenialTotalsChange> dropped = _droppedTotals;
            _droppedTotals = new Dictionary<string, DenialTotalsChange>(StringComparer.Ordinal);
            return dropped;
        }
    }

    private static IEnumerable<KeyDenials> Keys(ConcurrentDictionary<string, KeyDenials> byKey, string? keyId) =>
        keyId is null ? byKey.Values : byKey.TryGetValue(keyId, out KeyDenials? key) ? [key] : [];

    private KeyDenials FindOrBegin(string keyId, bool isHealth)
    {
        (ConcurrentDictionary<string, KeyDenials> byKey, int most) = isHealth ? (_healthByKey, MostHealthKeys) : (_byKey, MostKeys);
        if (byKey.TryGetValue(keyId, out KeyDenials? held))
        {
            return held;
        }

        lock (_addingKey)
        {
            while (byKey.Count >= most && !byKey.ContainsKey(keyId))
            {
                (string leaving, KeyDenials record, uint lastAt) =
                    byKey.Select(key => (key.Key, key.Value, key.Value.LastAt)).MinBy(key => key.LastAt);
                if (record.TryClose(lastAt))
                {
                    byKey.TryRemove(leaving, out _);
                    if (!isHealth && record.TakeTotals(leaving) is { } totals)
                    {
                        KeepTotals(totals);
                    }
                }
            }

            return byKey.GetOrAdd(keyId, static (_, now) => new KeyDenials(now), clock.Now);
        }
    }

    /// <summary>Keeps the totals of a dropped record until they are taken.</summary>
    private void KeepTotals(DenialTotalsChange totals)
    {
        if (_isTaken)
        {
            _droppedTotals[totals.KeyId] = !_droppedTotals.TryGetValue(totals.KeyId, out DenialTotalsChange? earlier) ? totals : totals with
            {
                Denied = earlier.Denied + totals.Denied,
                WouldDeny = earlier.WouldDeny + totals.WouldDeny,
                FirstSeen = earlier.FirstSeen,
            };
        }
    }

    /// <summary>Remembers a few thousand pairs without a lock; an evicted one counts as new again.</summary>
    private bool IsFirstOfPair(int pair)
    {
        ref int seen = ref _pairsSeen[(uint)pair % (uint)_pairsSeen.Length];
        if (Volatile.Read(ref seen) == pair)
        {
            return false;
        }

        Volatile.Write(ref seen, pair);
        return true;
    }

    private static Denial ToDenial(DenialRow row)
    {
        DenialOccurrence last = row.Last;
        return new Denial
        {
            KeyId = last.KeyId,
            ClientIp = last.Client.IsKnown ? last.Client.Address.ToString() : null,
            Reason = last.Reason,
            ClientIpOrigin = last.Client.Origin,
            Hop = last.Client.Hop == 0 ? null : last.Client.Hop,
            IsReportOnly = last.IsReportOnly,
            IsHealth = last.IsHealth,
            Count = row.Count,
            CountError = row.CountError,
            FirstSeen = CoarseClock.ToInstant(row.FirstSeen),
            LastSeen = CoarseClock.ToInstant(row.LastSeen),
            LastMethod = last.Method,
            LastPath = last.Path,
        };
    }
}
