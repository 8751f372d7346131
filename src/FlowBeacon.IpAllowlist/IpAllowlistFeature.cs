using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Denials;

namespace FlowBeacon.IpAllowlist;

/// <summary>The kept result of one evaluation. Immutable, so that requests which found the same may share one.</summary>
internal sealed class IpAllowlistFeature(
    IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy, bool isRetiringSecret, SourceCell? source) : IIpAllowlistFeature
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

    /// <summary>Where this use of the key is counted; null if it does not count as one, or there is no room.</summary>
    public SourceCell? Source => source;

    public IpAllowlistDenialReason? DenialReason =>
        outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny ? ReasonOf(key!, client) : null;

    /// <summary>Why a key denies a client address that it does not admit.</summary>
    public static IpAllowlistDenialReason ReasonOf(ApiKey key, ClientIp client) => key.AllowedIps.IsUnreadable
        ? IpAllowlistDenialReason.UnreadableList
        : client.Fault switch
        {
            ClientIpFault.None => IpAllowlistDenialReason.NotListed,
            ClientIpFault.UnusableForwardedFor => IpAllowlistDenialReason.UnusableForwardedFor,
            ClientIpFault.PeerRewritten => IpAllowlistDenialReason.PeerRewritten,
            _ => IpAllowlistDenialReason.UnknownPeer,
        };

    /// <summary>Whether this is the result for a key object, a client address and somebody who acts on it.</summary>
    public bool IsAbout(ApiKey otherKey, ClientIp otherClient, object? otherTakenUpBy, bool otherIsRetiringSecret) =>
        ReferenceEquals(key, otherKey) && client == otherClient && isRetiringSecret == otherIsRetiringSecret
        && ReferenceEquals(takenUpBy, otherTakenUpBy);
}
