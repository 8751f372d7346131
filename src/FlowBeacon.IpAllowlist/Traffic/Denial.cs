
namespace FlowBeacon.IpAllowlist;

/// <summary>The denials of one key from one address for one reason, as the record holds them.</summary>
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

    /// <summary>Whether nothing was refused, because the key's list was only rehearsed (<see cref="AllowlistMode.ReportOnly"/>).</summary>
    public bool IsReportOnly { get; init; }

    /// <summary>
    /// Whether the health endpoint was asked, which refuses nothing: the key would have been denied from there. Such rows are in no total
    /// and are no evidence for a recovery.
    /// </summary>
    public bool IsHealth { get; init; }

    /// <summary>
    /// How often. The record of one process is never too low. The sum of several processes may be, by rows that were removed before they
    /// were taken (<see cref="TrafficChanges.Denials"/>).
    /// </summary>
    public required long Count { get; init; }

    /// <summary>How much <see cref="Count"/> may be too high, because the record is bounded; 0 as long as every address had room.</summary>
    public long CountError { get; init; }

    /// <summary>When the record began to hold it, to the second.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When it last happened, to the second.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>The method of the last such request, escaped and cut to 64 characters.</summary>
    public required string LastMethod { get; init; }

    /// <summary>
    /// The path of the last such request, without the query; escaped, cut to 64 characters and without long runs of hex digits.
    /// </summary>
    public required string LastPath { get; init; }
}
