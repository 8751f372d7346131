namespace FlowBeacon.IpAllowlist.Common;

/// <summary>
/// The time to the second, for records of requests. A timer updates it, so that a request only reads a field: reading the system's clock
/// would cost as much as the rest of a warm check.
/// </summary>
internal sealed class CoarseClock : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private uint _now;

    public CoarseClock(TimeProvider time)
    {
        _time = time;
        Advance();
        _timer = time.CreateTimer(_ => Advance(), null, Step, Step);
    }

    /// <summary>Seconds since 1970; enough until 2106.</summary>
    public uint Now => Volatile.Read(ref _now);

    public static DateTimeOffset ToInstant(uint seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);

    public void Dispose() => _timer.Dispose();

    private void Advance() => Volatile.Write(ref _now, (uint)_time.GetUtcNow().ToUnixTimeSeconds());
}
