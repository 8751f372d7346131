namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>The result of the resolver: an address and where it came from, or why there is none.</summary>
/// <param name="Address">The address, if there is one.</param>
/// <param name="Origin">Where it came from.</param>
/// <param name="Fault">Why there is none.</param>
/// <param name="Hop">
/// The number of the entry of X-Forwarded-For that decided, from 1: from the right with <see cref="ClientIpSource.TrustedProxies"/>,
/// otherwise from the left. 0 if none did.
/// </param>
internal readonly record struct ClientIp(IpAddressValue Address, ClientIpOrigin Origin, ClientIpFault Fault, byte Hop)
{
    public bool IsKnown => Origin != ClientIpOrigin.None;

    public static ClientIp Peer(IpAddressValue address) => new(address, ClientIpOrigin.Peer, ClientIpFault.None, Hop: 0);

    public static ClientIp Forwarded(IpAddressValue address, int hop) =>
        new(address, ClientIpOrigin.ForwardedFor, ClientIpFault.None, (byte)hop);

    public static ClientIp Unusable(ClientIpFault fault, int hop = 0) => new(default, ClientIpOrigin.None, fault, (byte)hop);
}
