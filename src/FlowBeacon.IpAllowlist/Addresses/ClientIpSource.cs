namespace FlowBeacon.IpAllowlist;

/// <summary>Where the client address is taken from: exactly one source for a whole application.</summary>
public enum ClientIpSource
{
    /// <summary>
    /// The first entry of X-Forwarded-For if the header is present, otherwise the direct peer. Clients can forge it unless every request
    /// passes a proxy that <em>replaces</em> the header.
    /// </summary>
    ForwardedForFirst = 0,

    /// <summary>
    /// X-Forwarded-For is read only if the direct peer is one of <see cref="IpAllowlistOptions.TrustedProxies"/>. It is read from the
    /// right, and the first address that is not trusted is the client.
    /// </summary>
    TrustedProxies = 1,

    /// <summary>
    /// <c>HttpContext.Connection.RemoteIpAddress</c>: for hosts that clients connect to directly, and for hosts that run
    /// <c>UseForwardedHeaders</c> before this middleware.
    /// </summary>
    PeerAddress = 2,
}
