namespace FlowBeacon.IpAllowlist;

/// <summary>Why a request has no usable client address.</summary>
public enum ClientIpFault
{
    /// <summary>It has one.</summary>
    None = 0,

    /// <summary>The entry of X-Forwarded-For that decides is not an address, or the header has too many hops.</summary>
    UnusableForwardedFor = 1,

    /// <summary>The connection has no peer address (a Unix socket, a test server).</summary>
    UnknownPeer = 2,

    /// <summary>
    /// Something in this process, such as <c>UseForwardedHeaders</c>, replaced the peer address, which leaves X-Forwarded-For forgeable.
    /// Set <see cref="IpAllowlistOptions.ClientIpSource"/> to <see cref="ClientIpSource.PeerAddress"/>.
    /// </summary>
    PeerRewritten = 3,
}
