using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>
/// The addresses that were denied most often, in fixed memory: the Space-Saving algorithm (Metwally, Agrawal, El Abbadi, 2005). With m
/// rows, every address with more than 1/m of all denials is in the table, whatever other addresses arrive. Not safe for concurrent use.
/// </summary>
internal sealed class DenialTable
{
    /// <summary>More than 100, so that every address with at least 1 % of the denials is held.</summary>
    public const int MostRows = 128;

    private readonly Dictionary<(IpAddressValue Address, IpAllowlistDenialReason Reason), DenialRow> _byAddress = [];
    private readonly List<DenialRow> _rows = [];

    /// <summary>A lower bound of the counts of all rows.</summary>
    private long _least;
    private int _place;

    public IReadOnlyList<DenialRow> Rows => _rows;

    public DenialRow? Find(IpAddressValue address, IpAllowlistDenialReason reason) => _byAddress.GetValueOrDefault((address, reason));

    public void Add(in DenialOccurrence denial, uint at)
    {
        (IpAddressValue Address, IpAllowlistDenialReason Reason) address = (denial.Client.Address, denial.Reason);
        if (!_byAddress.TryGetValue(address, out DenialRow? row))
        {
            row = _rows.Count < MostRows ? NewRow() : TakeRarestRow();
            row.FirstSeen = at;
            _byAddress[address] = row;
        }

        row.Count++;
        row.LastSeen = at;
        row.Last = denial;
    }

    /// <summary>The increments since the last call: copies of the rows whose counts are the increments.</summary>
    public IReadOnlyList<DenialRow> TakeChanges()
    {
        DenialRow[] changed = [.. _rows.Where(row => row.Count > row.TakenCount)];
        DenialRow[] changes = [.. changed.Select(row => row with { Count = row.Count - row.TakenCount, CountError = 0 })];
        foreach (DenialRow row in changed)
        {
            row.TakenCount = row.Count;
        }

        return changes;
    }

    private DenialRow NewRow()
    {
        var row = new DenialRow();
        _rows.Add(row);
        return row;
    }

    /// <summary>
    /// The new address inherits the count of the removed one: it cannot have been denied more often while it was not in the table.
    /// </summary>
    private DenialRow TakeRarestRow()
    {
        DenialRow rarest = FindRarestRow();
        _byAddress.Remove((rarest.Last.Client.Address, rarest.Last.Reason));
        rarest.CountError = rarest.Count;
        rarest.TakenCount = rarest.Count;
        return rarest;
    }

    /// <summary>
    /// Counts only grow, so the rarest row stays the rarest until it grows. With many new addresses, few rows are examined.
    /// </summary>
    private DenialRow FindRarestRow()
    {
        DenialRow rarest = _rows[_place];
        for (int looked = 1; looked < MostRows && rarest.Count > _least; looked++)
        {
            _place = (_place + 1) % MostRows;
            if (_rows[_place].Count < rarest.Count)
            {
                rarest = _rows[_place];
            }
        }

        _least = rarest.Count;
        return rarest;
    }
}

/// <summary>One address of a table, with its last denial.</summary>
internal sealed record DenialRow
{
    public long Count { get; set; }

    /// <summary>How much of the count may belong to addresses that were evicted.</summary>
    public long CountError { get; set; }

    /// <summary>How much of the count was taken, or belongs to addresses that were evicted.</summary>
    public long TakenCount { get; set; }

    public uint FirstSeen { get; set; }

    public uint LastSeen { get; set; }

    public DenialOccurrence Last { get; set; }
}
