using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Determines what the check would decide for a request with a key, with the code that decides real requests.</summary>
internal sealed class TrialJudge(ClientIpResolver resolver, TimeProvider time)
{
    /// <summary>A request whose client address is known to be this one.</summary>
    public AddressTrial OfAddress(ApiKeyDetails details, IPAddress address) =>
        Judge(details, ClientIp.Peer(IpAddressValue.From(address))) with { ClientIpOrigin = ClientIpOrigin.None };

    /// <summary>A request with these lines of X-Forwarded-For over a connection from this peer.</summary>
    public AddressTrial OfRequest(ApiKeyDetails details, IReadOnlyList<string> forwardedFor, IPAddress? peer)
    {
        var request = new DefaultHttpContext();
        request.Connection.RemoteIpAddress = peer;
        request.Request.Headers[ClientIpResolver.ForwardedForHeader] = new StringValues([.. forwardedFor]);
        string conclusion = resolver.Explain(request, out ClientIp client).Conclusion;
        return Judge(details, client, conclusion);
    }

    /// <param name="details">The key.</param>
    /// <param name="client">The client address.</param>
    /// <param name="whyUnknown">If it is not known, why.</param>
    private AddressTrial Judge(ApiKeyDetails details, ClientIp client, string whyUnknown = "")
    {
        ApiKey key = details.Key;
        ApiKeyState state = details.StateAt(time.GetUtcNow());
        IpAllowlistOutcome outcome = state == ApiKeyState.Active ? key.Judge(client, time) : IpAllowlistOutcome.InvalidKey;
        var resolution = ClientIpResolution.Of(client);
        bool isMissed = outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny;
        return new AddressTrial
        {
            Outcome = outcome,
            ClientIp = resolution.Address,
            ClientIpOrigin = resolution.Origin,
            Hop = resolution.Hop,
            DenialReason = isMissed ? key.WhyNotAdmitted(client) : null,
            Detail = outcome switch
            {
                IpAllowlistOutcome.InvalidKey => $"The key is {SnakeCase.Of(state)}.",
                IpAllowlistOutcome.Unrestricted => "The key has no list, so the check is off.",
                IpAllowlistOutcome.Allowed => $"{client.Address} is on the key's list.",
                IpAllowlistOutcome.WouldDeny => $"Passes, because the list is in report-only mode. {Explain(key, client, whyUnknown)}",
                _ => Explain(key, client, whyUnknown),
            },
        };
    }

    private static string Explain(ApiKey key, ClientIp client, string whyUnknown) => key.WhyNotAdmitted(client) switch
    {
        IpAllowlistDenialReason.NotListed when key.AllowedIps.Contains(client.Address) =>
            $"{client.Address} is on the key's list, but its entry expired at "
            + $"{Expiry.ToInstant(key.AllowedIps.ListedUntil(client.Address)):u}.",
        IpAllowlistDenialReason.NotListed => $"{client.Address} matches none of the {key.AllowedIps.Count} entries of the key's list.",
        IpAllowlistDenialReason.UnreadableList => "The key's stored list cannot be read, so every address is denied.",
        _ => whyUnknown,
    };
}
