namespace FlowBeacon.IpAllowlist;

/// <summary>Why a request with a valid key was denied, or would be if its list were enforced.</summary>
public enum IpAllowlistDenialReason
{
    /// <summary>The client address is not on the key's list, or its entry has expired.</summary>
    NotListed = 0,

    /// <summary>The deciding entry of X-Forwarded-For is not an address, or the header has too many hops.</summary>
    UnusableForwardedFor = 1,

    /// <summary>The connection has no peer address (a Unix socket, a test server).</summary>
    UnknownPeer = 2,

    /// <summary>
    /// Something in this process, such as <c>UseForwardedHeaders</c>, replaced the peer address before this check, which leaves
    /// X-Forwarded-For forgeable. Set <see cref="IpAllowlistOptions.ClientIpSource"/> to <see cref="ClientIpSource.PeerAddress"/>.
    /// </summary>
    PeerRewritten = 3,

    /// <summary>
    /// The key's stored list cannot be read (<see cref="IpAddressSet.Unreadable"/>), so every address is denied. Set the list again.
    /// </summary>
    UnreadableList = 4,
}
