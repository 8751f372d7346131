namespace FlowBeacon.IpAllowlist;

/// <summary>Why a request has no usable client address.</summary>
public enum ClientIpFault
{
    /// <summary>It has one.</summary>
    None = 0,

    /// <summary>The deciding entry of X-Forwarded-For is no address, or the header names more hops than a walk follows.</summary>
    UnusableForwardedFor = 1,

    /// <summary>The connection has no peer address (a Unix socket, a test server).</summary>
    UnknownPeer = 2,

    /// <summary>
    /// Something in this process, such as <c>UseForwardedHeaders</c>, replaced the peer address, which leaves X-Forwarded-For forgeable.
    /// Set <see cref="IpAllowlistOptions.ClientIpSource"/> to <see cref="ClientIpSource.PeerAddress"/>.
    /// </summary>
    PeerRewritten = 3,
}
