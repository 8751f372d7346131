namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// Until when an entry, or a verdict based on it, is valid: the UTC ticks of the first instant at which it is not. A number, because
/// millions of entries and every cached verdict have one.
/// </summary>
internal static class Expiry
{
    /// <summary>It never expires.</summary>
    public const long Never = long.MaxValue;

    /// <summary>There is no entry, so it is never valid.</summary>
    public const long NotListed = long.MinValue;

    public static long From(DateTimeOffset? instant) => instant?.UtcTicks ?? Never;

    public static DateTimeOffset? ToInstant(long until) => until == Never ? null : new DateTimeOffset(until, TimeSpan.Zero);

    public static bool IsAhead(long until, DateTimeOffset now) => until == Never || now.UtcTicks < until;

    /// <summary>The same for the current time. The clock is read only if the answer depends on it.</summary>
    public static bool IsAhead(long until, TimeProvider time) =>
        until == Never || (until != NotListed && IsAhead(until, time.GetUtcNow()));
}
