using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>For each key, the addresses that recently used it successfully. Bounded per key and in all, in this process's memory.</summary>
internal sealed class SourcesSeen
{
    /// <summary>The most cells of all keys together: about 100 MB when full.</summary>
    public const int MostCells = 1_000_000;

    /// <summary>How many keys are examined to find one whose record is dropped.</summary>
    private const int Candidates = 8;

    private readonly Lock _admitting = new();
    private readonly ConcurrentDictionary<string, KeySources> _byKey = new(StringComparer.Ordinal);

    /// <summary>The keys with a record, in the order in which they were begun or last examined for eviction.</summary>
    private readonly Queue<(string KeyId, KeySources Sources)> _order = new();
    private readonly CoarseClock _clock;
    private readonly int _mostPerKey;
    private readonly int _mostCells;

    // For each key, when the newest source was last seen that was evicted before it was taken; changed under the lock. At most one item
    // for each key, and none while changes are not taken.
    private Dictionary<string, uint> _lostUntil = new(StringComparer.Ordinal);
    private bool _isTaken;
    private int _cells;
    private uint _droppedUntil;

    public SourcesSeen(CoarseClock clock, int mostPerKey, int mostCells = MostCells)
    {
        _clock = clock;
        _mostPerKey = mostPerKey;
        _mostCells = mostCells;
        WatchingSince = clock.Now;
    }

    /// <summary>When this process began to record.</summary>
    public uint WatchingSince { get; }

    /// <summary>The cells of all keys together.</summary>
    public int Cells => Volatile.Read(ref _cells);

    public IReadOnlyCollection<KeyValuePair<string, KeySources>> ByKey => _byKey;

    public KeySources? Find(string keyId) => _byKey.GetValueOrDefault(keyId);

    /// <summary>
    /// The cell that counts the uses of a key from an address. A lock is taken only for an address that is new to the key.
    /// </summary>
    public SourceCell Admit(string keyId, ClientIp client)
    {
        if (Find(keyId)?.Find(client) is { } held)
        {
            return held;
        }

        lock (_admitting)
        {
            KeySources? sources = Find(keyId);
            if (sources is null)
            {
                sources = new KeySources(_mostPerKey, _droppedUntil);
                _byKey[keyId] = sources;
                _order.Enqueue((keyId, sources));
            }

            SourceCell cell = sources.Admit(client, _clock.Now, out bool isOneMore, out SourceCell? leaving);
            if (leaving is not null)
            {
                NoteLoss(keyId, leaving);
            }

            if (isOneMore && ++_cells > _mostCells)
            {
                DropOneKey();
            }

            return cell;
        }
    }

    /// <summary>The addresses that used a key, for people.</summary>
    public ApiKeySources Read(string keyId)
    {
        KeySources? sources = Find(keyId);
        return new ApiKeySources
        {
            Sources = [.. (sources?.WithAddress ?? []).OrderByDescending(cell => cell.LastSeen).Select(cell => cell.ToSourceSeen())],
            WithoutAddress = sources?.WithoutAddress?.ToSourceSeen(),
            EvictedUntil = EvictedUntil(sources) is > 0 and var seconds ? CoarseClock.ToInstant(seconds) : null,
            WatchingSince = CoarseClock.ToInstant(WatchingSince),
        };
    }

    /// <summary>The increments since the last call, one item for each key and address.</summary>
    public IEnumerable<object> TakeChanges()
    {
        foreach ((string keyId, KeySources sources) in _byKey)
        {
            foreach (SourceCell cell in sources.All)
            {
                if (cell.TakeChanges() is { } source)
                {
                    yield return new SourceChange { KeyId = keyId, Source = source };
                }
            }
        }
    }

    /// <summary>The keys whose sources were evicted before they were taken, since the last call.</summary>
    public IEnumerable<object> TakeLosses()
    {
        Dictionary<string, uint> lostUntil;
        lock (_admitting)
        {
            if (!_isTaken)
            {
                // Nothing was taken before, so all evicted sources are lost.
                _isTaken = true;
                foreach ((string keyId, KeySources sources) in _byKey.Where(key => key.Value.EvictedUntil > 0))
                {
                    _lostUntil[keyId] = sources.EvictedUntil;
                }
            }

            lostUntil = _lostUntil;
            _lostUntil = new Dictionary<string, uint>(StringComparer.Ordinal);
        }

        return lostUntil.Select(lost => new SourceLoss { KeyId = lost.Key, Until = CoarseClock.ToInstant(lost.Value) });
    }

    private void NoteLoss(string keyId, SourceCell evicted)
    {
        if (_isTaken && evicted.HasChanges)
        {
            _lostUntil[keyId] = Math.Max(_lostUntil.GetValueOrDefault(keyId), evicted.LastSeen);
        }
    }

    /// <summary>Drops the record of a key that was not used lately: the least recently used of a few, without examining all keys.</summary>
    private void DropOneKey()
    {
        (string KeyId, KeySources Sources)[] candidates =
            [.. Enumerable.Range(0, Math.Min(Candidates, _order.Count)).Select(_ => _order.Dequeue())];
        (string keyId, KeySources sources) = candidates.MinBy(candidate => candidate.Sources.LastSeen);
        foreach ((string KeyId, KeySources Sources) spared in candidates.Where(candidate => candidate.Sources != sources))
        {
            _order.Enqueue(spared);
        }

        // Recorded first, so that concurrent readers of the key's sources see it.
        Volatile.Write(ref _droppedUntil, Math.Max(_droppedUntil, sources.LastSeen));
        _byKey.TryRemove(keyId, out _);
        foreach (SourceCell cell in sources.All)
        {
            cell.Evict();
            NoteLoss(keyId, cell);
            _cells--;
        }
    }

    private uint EvictedUntil(KeySources? sources) => sources?.EvictedUntil ?? Volatile.Read(ref _droppedUntil);
}
