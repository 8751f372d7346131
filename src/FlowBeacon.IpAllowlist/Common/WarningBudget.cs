namespace FlowBeacon.IpAllowlist.Common;

/// <summary>
/// Lets a bounded number of warnings through per minute, without a lock: a denial can be repeated at will by whoever holds a key.
/// </summary>
internal sealed class WarningBudget(TimeProvider time, int perMinute = WarningBudget.PerMinute)
{
    public const int PerMinute = 60;

    private long _minute;
    private int _spent;

    public bool TrySpend()
    {
        long minute = time.GetUtcNow().Ticks / TimeSpan.TicksPerMinute;
        long current = Volatile.Read(ref _minute);
        if (minute != current && Interlocked.CompareExchange(ref _minute, minute, current) == current)
        {
            Volatile.Write(ref _spent, 0);
        }

        // Read first: once the budget is spent, a flood writes nothing that other requests share.
        return Volatile.Read(ref _spent) < perMinute && Interlocked.Increment(ref _spent) <= perMinute;
    }
}
