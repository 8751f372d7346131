using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// Finds what the check would decide about a request with a key, by the middleware's own evaluator. Nothing is counted or recorded.
/// </summary>
internal sealed class AddressTrial(IpAllowlistEvaluator evaluator, TimeProvider time)
{
    /// <summary>A request whose client address is known to be this one.</summary>
    public TryJson OfAddress(ApiKeyDetails details, IpAddressValue address)
    {
        ClientIp client = ClientIp.Peer(address);
        return Describe(details, details.Key.Judge(client), client) with { Origin = "given" };
    }

    /// <summary>A request with these lines of X-Forwarded-For over a connection from this peer.</summary>
    public TryJson OfRequest(ApiKeyDetails details, string[] forwardedForLines, IpAddressValue? peer)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = peer?.ToIPAddress();
        context.Request.Headers[ClientIpResolver.ForwardedForHeader] = new StringValues(forwardedForLines);
        return Describe(details, evaluator.Judge(context, details.Key, out ClientIp client), client);
    }

    private TryJson Describe(ApiKeyDetails details, IpAllowlistOutcome outcome, ClientIp client)
    {
        ApiKeyState state = details.StateAt(time.GetUtcNow());
        if (state != ApiKeyState.Active)
        {
            outcome = IpAllowlistOutcome.InvalidKey;
        }

        string? ip = client.IsKnown ? client.Address.ToString() : null;
        bool isMissed = outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny;
        return new TryJson(
            Outcome: JsonNames.NameFor(outcome),
            Status: outcome switch
            {
                IpAllowlistOutcome.InvalidKey => StatusCodes.Status401Unauthorized,
                IpAllowlistOutcome.Denied => StatusCodes.Status403Forbidden,
                _ => null,
            },
            Ip: ip,
            Origin: JsonNames.NameFor(client.Origin),
            Hop: client.Hop == 0 ? null : client.Hop,
            MatchingEntry: outcome == IpAllowlistOutcome.Allowed ? ip : null,
            Reason: isMissed ? JsonNames.NameFor(IpAllowlistFeature.ReasonOf(details.Key, client)) : null,
            Detail: outcome switch
            {
                IpAllowlistOutcome.InvalidKey => $"The key is {JsonNames.NameFor(state)}.",
                IpAllowlistOutcome.Unrestricted => "The key has no list, so the check is off.",
                IpAllowlistOutcome.Allowed => $"{ip} is on the key's list.",
                IpAllowlistOutcome.WouldDeny => $"Passes, because the list is only rehearsed: {WhyMissed(details.Key, client, ip)}",
                _ => WhyMissed(details.Key, client, ip),
            });
    }

    private static string WhyMissed(ApiKey key, ClientIp client, string? ip) => IpAllowlistFeature.ReasonOf(key, client) switch
    {
        IpAllowlistDenialReason.NotListed => $"{ip} is none of the {key.AllowedIps.Count} addresses of the key's list.",
        IpAllowlistDenialReason.UnusableForwardedFor =>
            $"entry {client.Hop} of X-Forwarded-For is no address, or there are more than {ClientIpResolver.MaxHops}.",
        IpAllowlistDenialReason.UnknownPeer => "the connection has no peer address.",
        IpAllowlistDenialReason.UnreadableList => "the key's stored list cannot be read, so it admits nobody.",
        _ => "the peer address was replaced in this process.",
    };
}
