using System.Net;

namespace FlowBeacon.IpAllowlist;

/// <summary>Which denials to read.</summary>
public sealed record DenialQuery
{
    /// <summary>Only this key's; null for all.</summary>
    public string? KeyId { get; init; }

    /// <summary>Only from this address; an IPv4 address and its IPv4-mapped form are the same. Null for all.</summary>
    public IPAddress? ClientIp { get; init; }

    /// <summary>Only denials at or after this instant, to the second; null for all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The order; by default the last denied first.</summary>
    public DenialOrder Order { get; init; }

    /// <summary>
    /// <see cref="DenialPage.Next"/> of an earlier page of this query, to read the page after it; null for the first. It depends on the
    /// <see cref="IApiKeyTraffic"/> that made it.
    /// </summary>
    public string? After { get; init; }

    /// <summary>The most to return, from 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public int Limit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 100;
}
