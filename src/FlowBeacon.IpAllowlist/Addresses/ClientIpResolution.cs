using System.Net;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist;

/// <summary>The client address of a request, or why there is none.</summary>
public sealed record ClientIpResolution
{
    /// <summary>The address, an IPv4-mapped one as IPv4; null if there is none.</summary>
    public required IPAddress? Address { get; init; }

    /// <summary>Where it came from; <see cref="ClientIpOrigin.None"/> if there is none.</summary>
    public required ClientIpOrigin Origin { get; init; }

    /// <summary>Why there is none; <see cref="ClientIpFault.None"/> if there is one.</summary>
    public required ClientIpFault Fault { get; init; }

    /// <summary>
    /// The number of the entry of X-Forwarded-For that decided, from 1: from the right with <see cref="ClientIpSource.TrustedProxies"/>,
    /// otherwise from the left; null if none did.
    /// </summary>
    public required int? Hop { get; init; }

    internal static ClientIpResolution Of(ClientIp client) => new()
    {
        Address = client.IsKnown ? client.Address.ToIPAddress() : null,
        Origin = client.Origin,
        Fault = client.Fault,
        Hop = client.Hop == 0 ? null : client.Hop,
    };
}
