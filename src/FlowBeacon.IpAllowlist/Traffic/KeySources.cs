using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>
/// The addresses that recently used one key: bounded; the least recently seen is removed first. Changed under the lock of
/// <see cref="SourcesSeen"/>.
/// </summary>
/// <param name="most">The most sources to hold.</param>
/// <param name="evictedUntil">
/// When the newest source of an earlier, dropped record of the key was last seen; 0 if none was dropped.
/// </param>
internal sealed class KeySources(int most, uint evictedUntil)
{
    // Replaced as a whole, so that readers need no lock.
    private volatile SourceCell[] _cells = [];
    private volatile SourceCell? _withoutAddress;
    private volatile uint _evictedUntil = evictedUntil;

    /// <summary>The sources with an address; a copy that does not change.</summary>
    public IReadOnlyList<SourceCell> WithAddress => _cells;

    /// <summary>Uses that had no usable address; null if there were none.</summary>
    public SourceCell? WithoutAddress => _withoutAddress;

    /// <summary>All the sources, uses without an address among them.</summary>
    public IEnumerable<SourceCell> All => _withoutAddress is { } cell ? _cells.Append(cell) : _cells;

    /// <summary>When the newest evicted source was last seen; 0 if none was evicted.</summary>
    public uint EvictedUntil => _evictedUntil;

    public uint LastSeen => All.Select(cell => cell.LastSeen).DefaultIfEmpty().Max();

    /// <summary>Finds the cell of an address; null if there is none. Needs no lock.</summary>
    public SourceCell? Find(ClientIp client)
    {
        if (!client.IsKnown)
        {
            return _withoutAddress;
        }

        // Without a predicate, which would be allocated for each request.
        foreach (SourceCell cell in _cells)
        {
            if (cell.Address == client.Address)
            {
                return cell;
            }
        }

        return null;
    }

    /// <summary>Finds the cell of an address, or makes one.</summary>
    /// <param name="client">The client address.</param>
    /// <param name="now">The time.</param>
    /// <param name="isOneMore">Whether the record has one cell more than before.</param>
    /// <param name="leaving">The cell that was evicted for it; null if none was.</param>
    public SourceCell Admit(ClientIp client, uint now, out bool isOneMore, out SourceCell? leaving)
    {
        if (Find(client) is { } held)
        {
            isOneMore = false;
            leaving = null;
            return held;
        }

        var added = new SourceCell(client, now);
        isOneMore = true;
        leaving = null;
        if (!client.IsKnown)
        {
            return _withoutAddress = added;
        }

        SourceCell[] cells = _cells;
        SourceCell? oldest = cells.Length < most ? null : cells.MinBy(cell => cell.LastSeen);
        if (oldest is not null)
        {
            // Set before the source is removed, so that concurrent readers see one or the other.
            isOneMore = false;
            leaving = oldest;
            oldest.Evict();
            _evictedUntil = Math.Max(_evictedUntil, oldest.LastSeen);
        }

        _cells = [.. cells.Where(cell => cell != oldest), added];
        return added;
    }
}
