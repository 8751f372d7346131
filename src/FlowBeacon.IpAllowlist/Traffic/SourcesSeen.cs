using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>For each key, the addresses that recently used it successfully. Bounded per key and in all, in this process's memory.</summary>
internal sealed class SourcesSeen
{
    /// <summary>The most cells of all keys together: about 100 MB when full.</summary>
    public const int MostCells = 1_000_000;

    /// <summary>So many keys are looked at to find one whose record is dropped.</summary>
    private const int Candidates = 8;

    private readonly Lock _admitting = new();
    private readonly ConcurrentDictionary<string, KeySources> _byKey = new(StringComparer.Ordinal);

    /// <summary>The keys with a record, those first that were begun, or looked at and spared, longest ago.</summary>
    private readonly Queue<(string KeyId, KeySources Sources)> _order = new();
    private readonly CoarseClock _clock;
    private readonly int _mostPerKey;
    private readonly int _mostCells;
    private int _cells;
    private uint _droppedUntil;

    public SourcesSeen(CoarseClock clock, int mostPerKey, int mostCells = MostCells)
    {
        _clock = clock;
        _mostPerKey = mostPerKey;
        _mostCells = mostCells;
        WatchingSince = clock.Now;
    }

    /// <summary>Since when this process watches.</summary>
    public uint WatchingSince { get; }

    /// <summary>The cells held in all.</summary>
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

            SourceCell cell = sources.Admit(client, _clock.Now, out bool isOneMore);
            if (isOneMore && ++_cells > _mostCells)
            {
                DropOneKey();
            }

            return cell;
        }
    }

    /// <summary>Where a key was used from, for people.</summary>
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

    /// <summary>Sources of a key that were last seen at an instant or later, uses without an address among them.</summary>
    public IReadOnlyList<SourceCell> SeenSince(string keyId, uint since) =>
        [.. (Find(keyId)?.All ?? []).Where(cell => cell.LastSeen >= since)];

    /// <summary>Whether a source of a key may have had to leave that was last seen at an instant or later.</summary>
    public bool AreEvictedSince(string keyId, uint since) => EvictedUntil(Find(keyId)) is > 0 and var seconds && seconds >= since;

    /// <summary>Drops the record of a key that was not used lately, without a look at all keys: the least recently used of a few.</summary>
    private void DropOneKey()
    {
        (string KeyId, KeySources Sources)[] candidates =
            [.. Enumerable.Range(0, Math.Min(Candidates, _order.Count)).Select(_ => _order.Dequeue())];
        (string keyId, KeySources sources) = candidates.MinBy(candidate => candidate.Sources.LastSeen);
        foreach ((string KeyId, KeySources Sources) spared in candidates.Where(candidate => candidate.Sources != sources))
        {
            _order.Enqueue(spared);
        }

        // Said first: whoever reads the key's sources meanwhile must know.
        Volatile.Write(ref _droppedUntil, Math.Max(_droppedUntil, sources.LastSeen));
        _byKey.TryRemove(keyId, out _);
        foreach (SourceCell cell in sources.All)
        {
            cell.Evict();
            _cells--;
        }
    }

    private uint EvictedUntil(KeySources? sources) => sources?.EvictedUntil ?? Volatile.Read(ref _droppedUntil);
}
