using System.Net;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The result of the check for the current request: <c>context.Features.Get&lt;IIpAllowlistFeature&gt;()</c>. It is available after the
/// middleware, except on endpoints with <c>DisableIpAllowlist()</c>.
/// </summary>
/// <remarks>Do not replace it: later steps compare with this object.</remarks>
public interface IIpAllowlistFeature
{
    /// <summary>The verdict.</summary>
    IpAllowlistOutcome Outcome { get; }

    /// <summary>The key; null if there is none or it is not valid.</summary>
    ApiKey? Key { get; }

    /// <summary>The first 12 characters of the raw key that was presented; empty if there is no valid key or they are not known.</summary>
    string KeyPrefix { get; }

    /// <summary>
    /// The client address; null if it is unknown, or was not looked for because there is no valid key. A new object at each call.
    /// </summary>
    IPAddress? ClientIp { get; }

    /// <summary>Where the client address came from.</summary>
    ClientIpOrigin ClientIpOrigin { get; }

    /// <summary>
    /// Why the request is denied, or would be; null for every other outcome than <see cref="IpAllowlistOutcome.Denied"/> and
    /// <see cref="IpAllowlistOutcome.WouldDeny"/>.
    /// </summary>
    IpAllowlistDenialReason? DenialReason { get; }
}
