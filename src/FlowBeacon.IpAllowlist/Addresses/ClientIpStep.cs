using System.Net;

namespace FlowBeacon.IpAllowlist;

/// <summary>One address that was read on the way to the client address: the peer, or an entry of X-Forwarded-For.</summary>
public sealed record ClientIpStep
{
    /// <summary>Where it was read; never <see cref="ClientIpOrigin.None"/>.</summary>
    public required ClientIpOrigin Origin { get; init; }

    /// <summary>
    /// The number of the entry of X-Forwarded-For, from 1: from the right with <see cref="ClientIpSource.TrustedProxies"/>, otherwise from
    /// the left; null for the peer.
    /// </summary>
    public required int? Hop { get; init; }

    /// <summary>The text as it was read, bounded and escaped; of the peer, its address. Empty if the connection has none.</summary>
    public required string Text { get; init; }

    /// <summary>The address, an IPv4-mapped one as IPv4; null if the text is not an address, or exceeds the limit of hops.</summary>
    public required IPAddress? Address { get; init; }

    /// <summary>Whether it is one of <see cref="IpAllowlistOptions.TrustedProxies"/>, so that the entry before it was read.</summary>
    public required bool IsTrustedProxy { get; init; }

    /// <summary>Whether it is the client address. The last one is, unless it is unusable.</summary>
    public required bool IsClient { get; init; }
}
