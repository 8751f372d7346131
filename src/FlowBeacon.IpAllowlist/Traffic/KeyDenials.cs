namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The denials of one key: exact totals, and a bounded table of addresses for each kind.</summary>
internal sealed class KeyDenials(string keyId, uint now)
{
    private long _denied;
    private long _wouldDeny;
    private long _notRecorded;
    private uint _lastAt = now;

    public string KeyId => keyId;

    public DenialTotals Totals => new(Volatile.Read(ref _denied), Volatile.Read(ref _wouldDeny), Volatile.Read(ref _notRecorded));

    /// <summary>When the newest denial happened that is written down; at first, when the record began.</summary>
    public uint LastAt => Volatile.Read(ref _lastAt);

    /// <summary>The newest denial that is written down.</summary>
    public DenialNote? Last { get; private set; }

    /// <summary>Two tables, so that a rehearsal cannot push denials out of the record.</summary>
    public DenialTable Denials { get; } = new();

    public DenialTable Rehearsals { get; } = new();

    public void Count(bool isReportOnly) => Interlocked.Increment(ref isReportOnly ? ref _wouldDeny : ref _denied);

    public void CountNotRecorded() => Interlocked.Increment(ref _notRecorded);

    public void WriteDown(DenialNote note)
    {
        (note.IsReportOnly ? Rehearsals : Denials).Add(note);
        Last = note;
        Volatile.Write(ref _lastAt, note.At);
    }
}
