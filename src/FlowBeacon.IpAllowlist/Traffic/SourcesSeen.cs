using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>For each key, the addresses that recently used it successfully. Bounded per key and in all, in this process's memory.</summary>
internal sealed class SourcesSeen
{
    /// <summary>The most cells of all keys together: about 100 MB when full.</summary>
    public const int MostCells = 1_000_000;

    private readonly ConcurrentDictionary<string, KeySources> _byKey = new(StringComparer.Ordinal);
    private readonly CoarseClock _clock;
    private readonly int _mostPerKey;
    private readonly int _mostCells;
    private int _cells;
    private int _isTrimming;
    private uint _forgottenUntil;

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

    public KeySources? Of(string keyId) => _byKey.GetValueOrDefault(keyId);

    /// <summary>The cell that counts the uses of a key from an address; null while there is no room.</summary>
    public SourceCell? Admit(string keyId, ClientIp client)
    {
        if (Cells >= _mostCells)
        {
            TrimInBackground();
            if (Cells >= _mostCells + (_mostCells / 10))
            {
                Volatile.Write(ref _forgottenUntil, _clock.Now);
                Of(keyId)?.LeaveOut(_clock.Now);
                return null;
            }
        }

        while (true)
        {
            KeySources sources = _byKey.GetOrAdd(keyId, static (_, seen) => new KeySources(seen._mostPerKey, Volatile.Read(ref seen._forgottenUntil)), this);
            SourceCell cell = sources.Admit(client, _clock.Now, out bool grown);
            if (grown)
            {
                Interlocked.Increment(ref _cells);
            }

            if (!sources.IsForgotten)
            {
                return cell;
            }

            // It came in while the record was being dropped; what it left there is dropped, too.
            Interlocked.Add(ref _cells, -sources.Forget());
        }
    }

    /// <summary>Where a key was used from, for people.</summary>
    public ApiKeySources Read(string keyId)
    {
        KeySources? sources = Of(keyId);
        return new ApiKeySources
        {
            Sources = [.. (sources?.Cells ?? []).OrderByDescending(cell => cell.LastSeen).Select(Show)],
            WithoutAddress = sources?.WithoutAddress is { } cell ? Show(cell) : null,
            EvictedUntil = EvictedUntil(sources) is > 0 and var seconds ? CoarseClock.ToInstant(seconds) : null,
            WatchingSince = CoarseClock.ToInstant(WatchingSince),
        };
    }

    /// <summary>Sources of a key that were last seen at an instant or later, uses without an address among them.</summary>
    public IReadOnlyList<SourceCell> SeenSince(string keyId, uint since) => Of(keyId) is { } sources
        ? [.. sources.Cells.Append(sources.WithoutAddress).OfType<SourceCell>().Where(cell => cell.LastSeen >= since)]
        : [];

    /// <summary>Whether a source of a key may have had to leave that was last seen at an instant or later.</summary>
    public bool AreEvictedSince(string keyId, uint since) => EvictedUntil(Of(keyId)) is > 0 and var seconds && seconds >= since;

    /// <summary>Drops the records of the keys that were used least recently, until a tenth of the room is free.</summary>
    public void Trim()
    {
        foreach (KeyValuePair<string, KeySources> key in _byKey.ToArray().OrderBy(key => key.Value.LastSeen))
        {
            if (Cells <= _mostCells - (_mostCells / 10))
            {
                return;
            }

            // Said first: whoever begins a record in place of this one must know.
            Volatile.Write(ref _forgottenUntil, Math.Max(_forgottenUntil, key.Value.LastSeen));
            if (_byKey.TryRemove(key))
            {
                Interlocked.Add(ref _cells, -key.Value.Forget());
            }
        }
    }

    private uint EvictedUntil(KeySources? sources) => sources?.EvictedUntil ?? Volatile.Read(ref _forgottenUntil);

    public static SourceSeen Show(SourceCell cell) => new()
    {
        ClientIp = cell.Client.IsKnown ? cell.Address.ToString() : null,
        ClientIpOrigin = cell.Client.Origin,
        FirstSeen = CoarseClock.ToInstant(cell.FirstSeen),
        LastSeen = CoarseClock.ToInstant(cell.LastSeen),
        Count = cell.Count,
    };

    private void TrimInBackground()
    {
        if (Interlocked.Exchange(ref _isTrimming, 1) == 0)
        {
            ThreadPool.QueueUserWorkItem(_ =>
            {
                Trim();
                Volatile.Write(ref _isTrimming, 0);
            });
        }
    }
}
