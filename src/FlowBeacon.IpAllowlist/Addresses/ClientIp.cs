namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Why a request has no usable client address.</summary>
internal enum ClientIpFault : byte
{
    None = 0,
    UnusableForwardedFor,
    UnknownPeer,
    PeerRewritten,
}

/// <summary>What the resolver found: an address and where it came from, or the fault that leaves the request without one.</summary>
internal readonly record struct ClientIp(IpAddressValue Address, ClientIpOrigin Origin, ClientIpFault Fault)
{
    public bool IsKnown => Origin != ClientIpOrigin.None;

    public static ClientIp From(IpAddressValue address, ClientIpOrigin origin) => new(address, origin, ClientIpFault.None);

    public static ClientIp Unusable(ClientIpFault fault) => new(default, ClientIpOrigin.None, fault);
}
