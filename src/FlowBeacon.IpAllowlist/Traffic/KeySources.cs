using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The addresses that recently used one key: bounded, the least recently seen leaves first. Lock-free: the list is replaced as a whole.</summary>
/// <param name="most">The most sources to hold.</param>
/// <param name="evictedUntil">When a source was last seen that an earlier, dropped record of the key may have held; 0 if none was dropped.</param>
internal sealed class KeySources(int most, uint evictedUntil)
{
    private SourceCell[] _cells = [];
    private SourceCell? _withoutAddress;
    private uint _evictedUntil = evictedUntil;
    private volatile bool _isForgotten;

    /// <summary>The sources held now; a copy that does not change.</summary>
    public IReadOnlyList<SourceCell> Cells => Volatile.Read(ref _cells);

    /// <summary>Uses that had no usable address; null if there were none.</summary>
    public SourceCell? WithoutAddress => Volatile.Read(ref _withoutAddress);

    /// <summary>When the newest of the sources was last seen that had to leave for newer ones, or for those of other keys; 0 if none had to.</summary>
    public uint EvictedUntil => Volatile.Read(ref _evictedUntil);

    /// <summary>Whether the whole record was dropped to make room for other keys'.</summary>
    public bool IsForgotten => _isForgotten;

    public uint LastSeen => Math.Max(Cells.Select(cell => cell.LastSeen).DefaultIfEmpty().Max(), WithoutAddress?.LastSeen ?? 0);

    /// <summary>Finds the cell of an address, or makes one.</summary>
    /// <param name="client">The client address.</param>
    /// <param name="now">The time.</param>
    /// <param name="grown">Whether the record holds one cell more than before.</param>
    public SourceCell Admit(ClientIp client, uint now, out bool grown)
    {
        if (!client.IsKnown)
        {
            var made = new SourceCell(client, now);
            SourceCell? earlier = Interlocked.CompareExchange(ref _withoutAddress, made, null);
            grown = earlier is null;
            return earlier ?? made;
        }

        while (true)
        {
            SourceCell[] cells = Volatile.Read(ref _cells);
            if (Array.Find(cells, cell => cell.Address == client.Address) is { } found)
            {
                grown = false;
                return found;
            }

            SourceCell? leaving = cells.Length < most ? null : cells.MinBy(cell => cell.LastSeen);
            var added = new SourceCell(client, now);
            SourceCell[] replacement = [.. cells.Where(cell => cell != leaving), added];
            if (Interlocked.CompareExchange(ref _cells, replacement, cells) == cells)
            {
                if (leaving is not null)
                {
                    leaving.Evict();
                    Volatile.Write(ref _evictedUntil, Math.Max(EvictedUntil, leaving.LastSeen));
                }

                grown = leaving is null;
                return added;
            }
        }
    }

    /// <summary>Says that a source found no room.</summary>
    public void LeaveOut(uint now) => Volatile.Write(ref _evictedUntil, now);

    /// <summary>Drops the record: every cell that somebody still holds says that it is evicted.</summary>
    /// <returns>The number of cells dropped.</returns>
    public int Forget()
    {
        _isForgotten = true;
        SourceCell[] cells = Interlocked.Exchange(ref _cells, []);
        SourceCell? withoutAddress = Interlocked.Exchange(ref _withoutAddress, null);
        withoutAddress?.Evict();
        foreach (SourceCell cell in cells)
        {
            cell.Evict();
        }

        return cells.Length + (withoutAddress is null ? 0 : 1);
    }
}
