using System.Net;

namespace FlowBeacon.IpAllowlist;

/// <summary>Which denials to read, the last denied first.</summary>
public sealed record DenialQuery
{
    /// <summary>Only this key's; null for all.</summary>
    public string? KeyId { get; init; }

    /// <summary>Only from this address; null for all.</summary>
    public IPAddress? ClientIp { get; init; }

    /// <summary>Only what was denied at or after this instant, to the second; null for all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The most to return.</summary>
    public int Limit { get; init; } = 100;
}
