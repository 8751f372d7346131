using System.Net;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist;

/// <summary>The kept result of one evaluation. Immutable, so that requests which found the same may share one.</summary>
internal sealed class IpAllowlistFeature(IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy) : IIpAllowlistFeature
{
    public IpAllowlistOutcome Outcome => outcome;

    public ApiKey? Key => key;

    public ClientIp Client => client;

    public IPAddress? ClientIp => client.IsKnown ? client.Address.ToIPAddress() : null;

    public ClientIpOrigin ClientIpOrigin => client.Origin;

    /// <summary>The middleware that acted on the result; null as long as none did.</summary>
    public object? TakenUpBy => takenUpBy;

    public IpAllowlistDenialReason? DenialReason => outcome != IpAllowlistOutcome.Denied ? null : client.Fault switch
    {
        ClientIpFault.None => IpAllowlistDenialReason.NotListed,
        ClientIpFault.UnusableForwardedFor => IpAllowlistDenialReason.UnusableForwardedFor,
        ClientIpFault.PeerRewritten => IpAllowlistDenialReason.PeerRewritten,
        _ => IpAllowlistDenialReason.UnknownPeer,
    };

    public bool Says(IpAllowlistOutcome otherOutcome, ApiKey? otherKey, ClientIp otherClient, object? otherTakenUpBy) =>
        outcome == otherOutcome && ReferenceEquals(key, otherKey) && client == otherClient && ReferenceEquals(takenUpBy, otherTakenUpBy);
}
