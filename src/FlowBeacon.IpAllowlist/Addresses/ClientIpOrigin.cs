namespace FlowBeacon.IpAllowlist;

/// <summary>Where the client address of one request came from.</summary>
public enum ClientIpOrigin
{
    /// <summary>No address was found, or none was looked for.</summary>
    None = 0,

    /// <summary>An entry of X-Forwarded-For.</summary>
    ForwardedFor = 1,

    /// <summary>The direct peer of the connection.</summary>
    Peer = 2,
}
