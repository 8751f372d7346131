using System.Net;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist;

/// <summary>The kept result of one evaluation. Immutable, so that requests which found the same may share one.</summary>
internal sealed class IpAllowlistFeature(
    IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy, bool isRetiringSecret) : IIpAllowlistFeature
{
    public IpAllowlistOutcome Outcome => outcome;

    public ApiKey? Key => key;

    public ClientIp Client => client;

    public IPAddress? ClientIp => client.IsKnown ? client.Address.ToIPAddress() : null;

    public ClientIpOrigin ClientIpOrigin => client.Origin;

    /// <summary>Whether the key was presented by its old secret, in the grace period of a rotation.</summary>
    public bool IsRetiringSecret => isRetiringSecret;

    public string KeyPrefix => (isRetiringSecret ? key?.Retiring?.Prefix : key?.Prefix) ?? "";

    /// <summary>The middleware that acted on the result; null as long as none did.</summary>
    public object? TakenUpBy => takenUpBy;

    public IpAllowlistDenialReason? DenialReason => outcome != IpAllowlistOutcome.Denied ? null : client.Fault switch
    {
        ClientIpFault.None => IpAllowlistDenialReason.NotListed,
        ClientIpFault.UnusableForwardedFor => IpAllowlistDenialReason.UnusableForwardedFor,
        ClientIpFault.PeerRewritten => IpAllowlistDenialReason.PeerRewritten,
        _ => IpAllowlistDenialReason.UnknownPeer,
    };

    public bool Says(IpAllowlistOutcome otherOutcome, ApiKey? otherKey, ClientIp otherClient, object? otherTakenUpBy, bool otherIsRetiringSecret) =>
        outcome == otherOutcome && ReferenceEquals(key, otherKey) && client == otherClient && isRetiringSecret == otherIsRetiringSecret
        && ReferenceEquals(takenUpBy, otherTakenUpBy);
}
