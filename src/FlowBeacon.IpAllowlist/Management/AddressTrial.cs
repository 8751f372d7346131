using System.Net;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What the check would decide about a request with a key. Nothing is counted or recorded.</summary>
public sealed record AddressTrial
{
    /// <summary>The decision; never <see cref="IpAllowlistOutcome.NoKey"/>.</summary>
    public required IpAllowlistOutcome Outcome { get; init; }

    /// <summary>The client address; null if the request would have no usable one.</summary>
    public IPAddress? ClientIp { get; init; }

    /// <summary>Where the client address comes from; <see cref="ClientIpOrigin.None"/> if it was given, or there is none.</summary>
    public ClientIpOrigin ClientIpOrigin { get; init; }

    /// <summary>
    /// The number of the entry of X-Forwarded-For that decided, from 1: from the right with
    /// <see cref="ClientIpSource.TrustedProxies"/>, otherwise from the left. Null if none did.
    /// </summary>
    public int? Hop { get; init; }

    /// <summary>Why the list does not admit the request; null unless it is denied, or would be if the list were enforced.</summary>
    public IpAllowlistDenialReason? DenialReason { get; init; }

    /// <summary>The decision and its reason in words, for people.</summary>
    public required string Detail { get; init; }
}
