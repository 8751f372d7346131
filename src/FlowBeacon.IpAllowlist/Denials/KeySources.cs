using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Denials;

/// <summary>The addresses that recently used one key: bounded, the least recently seen leaves first. Lock-free: the list is replaced as a whole.</summary>
/// <param name="most">The most sources to hold.</param>
/// <param name="isContinued">Whether an earlier record of the key may have been dropped.</param>
internal sealed class KeySources(int most, bool isContinued)
{
    private SourceCell[] _cells = [];
    private SourceCell? _withoutAddress;
    private volatile bool _areOlderEvicted;
    private volatile bool _isForgotten;

    /// <summary>The sources held now; a copy that does not change.</summary>
    public IReadOnlyList<SourceCell> Cells => Volatile.Read(ref _cells);

    /// <summary>Uses that had no usable address; null if there were none.</summary>
    public SourceCell? WithoutAddress => Volatile.Read(ref _withoutAddress);

    /// <summary>Whether sources had to leave for newer ones, or for those of other keys.</summary>
    public bool AreOlderEvicted => isContinued || _areOlderEvicted;

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
                    _areOlderEvicted = true;
                }

                grown = leaving is null;
                return added;
            }
        }
    }

    /// <summary>Says that a source found no room.</summary>
    public void LeaveOut() => _areOlderEvicted = true;

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
