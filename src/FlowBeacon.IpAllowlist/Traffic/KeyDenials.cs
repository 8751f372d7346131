using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The denials of one key: exact totals, and a bounded table of addresses for each kind. Safe for concurrent use.</summary>
internal sealed class KeyDenials(uint now)
{
    private readonly Lock _lock = new();
    private readonly uint _firstAt = now;

    // Two tables, so that report-only denials cannot evict denials.
    private readonly DenialTable _denials = new();
    private readonly DenialTable _rehearsals = new();
    private long _denied;
    private long _wouldDeny;
    private DenialOccurrence? _last;
    private uint _lastAt = now;
    private long _takenDenied;
    private long _takenWouldDeny;
    private bool _isClosed;

    /// <summary>When the last denial happened; before the first, when the record began.</summary>
    public uint LastAt => Volatile.Read(ref _lastAt);

    public DenialTotals Totals
    {
        get
        {
            lock (_lock)
            {
                return new DenialTotals { Denied = _denied, WouldDeny = _wouldDeny };
            }
        }
    }

    /// <summary>The last denial; null if there was none yet.</summary>
    public DenialOccurrence? Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    /// <summary>Records a denial.</summary>
    /// <returns>Whether it was recorded; a closed record accepts none.</returns>
    public bool TryAdd(in DenialOccurrence denial, uint at)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return false;
            }

            _last = denial;
            _lastAt = at;
            if (denial.IsReportOnly)
            {
                _wouldDeny++;
                _rehearsals.Add(denial, at);
            }
            else
            {
                _denied++;
                _denials.Add(denial, at);
            }

            return true;
        }
    }

    /// <summary>The rows and totals that were added since the last call.</summary>
    public (IReadOnlyList<DenialRow> Rows, DenialTotalsChange? Totals) TakeChanges(string keyId)
    {
        lock (_lock)
        {
            return ([.. _denials.TakeChanges(), .. _rehearsals.TakeChanges()], TakeTotalsLocked(keyId));
        }
    }

    /// <summary>The totals only.</summary>
    public DenialTotalsChange? TakeTotals(string keyId)
    {
        lock (_lock)
        {
            return TakeTotalsLocked(keyId);
        }
    }

    /// <summary>Accepts no more denials, because the record is about to be dropped and they would be lost.</summary>
    /// <param name="lastAt">When the last denial happened, as far as the caller knows.</param>
    /// <returns>Whether it is closed; not if the key was denied since.</returns>
    public bool TryClose(uint lastAt)
    {
        lock (_lock)
        {
            return _isClosed = _lastAt == lastAt;
        }
    }

    /// <summary>Copies of the rows that a query matches.</summary>
    public IReadOnlyList<DenialRow> Read(Func<DenialRow, bool> isWanted)
    {
        lock (_lock)
        {
            return [.. _denials.Rows.Concat(_rehearsals.Rows).Where(isWanted).Select(row => row with { })];
        }
    }

    /// <summary>Whether an address that is not listed was denied at an instant or later.</summary>
    public bool WasDeniedSince(IpAddressValue address, long since)
    {
        lock (_lock)
        {
            return _denials.Find(address, IpAllowlistDenialReason.NotListed) is { } row && row.LastSeen >= since;
        }
    }

    private DenialTotalsChange? TakeTotalsLocked(string keyId)
    {
        long denied = _denied - _takenDenied;
        long wouldDeny = _wouldDeny - _takenWouldDeny;
        _takenDenied = _denied;
        _takenWouldDeny = _wouldDeny;
        return denied == 0 && wouldDeny == 0 ? null : new DenialTotalsChange
        {
            KeyId = keyId,
            Denied = denied,
            WouldDeny = wouldDeny,
            FirstSeen = CoarseClock.ToInstant(_firstAt),
            LastSeen = CoarseClock.ToInstant(_lastAt),
        };
    }
}
