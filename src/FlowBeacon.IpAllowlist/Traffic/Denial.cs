
namespace FlowBeacon.IpAllowlist;

/// <summary>The recorded denials of one key from one address for one reason.</summary>
public sealed record Denial
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>The client address in canonical text; null if there was none, see <see cref="Reason"/>.</summary>
    public required string? ClientIp { get; init; }

    /// <summary>Why.</summary>
    public required IpAllowlistDenialReason Reason { get; init; }

    /// <summary>Where the address came from, at the last denial.</summary>
    public required ClientIpOrigin ClientIpOrigin { get; init; }

    /// <summary>
    /// Which entry of X-Forwarded-For decided, from 1: counted from the left with <see cref="ClientIpSource.ForwardedForFirst"/>, from the
    /// right with <see cref="ClientIpSource.TrustedProxies"/>; null if none did.
    /// </summary>
    public int? Hop { get; init; }

    /// <summary>
    /// Whether the requests passed, because the key's list was in report-only mode (<see cref="AllowlistMode.ReportOnly"/>).
    /// </summary>
    public bool IsReportOnly { get; init; }

    /// <summary>
    /// Whether the requests were to the health endpoint, which refuses nothing: elsewhere they would have been denied. Such rows do not
    /// count in totals, nor as evidence for a recovery.
    /// </summary>
    public bool IsHealth { get; init; }

    /// <summary>
    /// The number of denials. In one process it is never too low. The sum of several processes may be, by the rows that were removed before
    /// they were taken (<see cref="TrafficChanges.Denials"/>).
    /// </summary>
    public required long Count { get; init; }

    /// <summary>How much <see cref="Count"/> may be too high, because the record is bounded; 0 until it is full.</summary>
    public long CountError { get; init; }

    /// <summary>When recording of this row began, to the second.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When the last of them happened, to the second.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>The method of the last such request, escaped and cut to 64 characters.</summary>
    public required string LastMethod { get; init; }

    /// <summary>
    /// The path of the last such request, without the query; escaped, cut to 64 characters and without long runs of hex digits.
    /// </summary>
    public required string LastPath { get; init; }
}
