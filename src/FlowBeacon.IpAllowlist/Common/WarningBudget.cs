namespace FlowBeacon.IpAllowlist.Common;

/// <summary>
/// Limits the number of warnings per minute, without a lock, because anyone with a key can repeat a denial at will.
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

        // Read first: once the budget is spent, further warnings do not write to shared memory.
        return Volatile.Read(ref _spent) < perMinute && Interlocked.Increment(ref _spent) <= perMinute;
    }
}
