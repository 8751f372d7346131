using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Warns of entries that are legal but probably not meant.</summary>
internal sealed class AllowlistWarnings(ClientIpSource source)
{
    /// <summary>One warning for each doubtful entry.</summary>
    /// <param name="key">The key whose list it is.</param>
    /// <param name="context">The request that sets it: what connects to this host for it is probably the host's own proxy.</param>
    public IReadOnlyList<string> About(ApiKey key, HttpContext context)
    {
        var warnings = new List<string>();
        IpAddressValue? proxy = OwnProxy(context);
        foreach (IpAddressValue address in key.AllowedIps.Addresses)
        {
            if (SpecialAddresses.WhyNeverAClient(address) is { } reason)
            {
                warnings.Add($"allowed_ips: {address} {reason}; no client ever comes from it");
            }
            else if (address == proxy)
            {
                warnings.Add($"allowed_ips: {address} is where this request connected from, with an X-Forwarded-For header:"
                    + " it looks like your own proxy, and if it is ever taken for the client, everybody behind it is");
            }
        }

        return warnings;
    }

    private IpAddressValue? OwnProxy(HttpContext context) =>
        source != ClientIpSource.PeerAddress
        && context.Request.Headers.ContainsKey(ClientIpResolver.ForwardedForHeader)
        && context.Connection.RemoteIpAddress is { } peer
            ? IpAddressValue.From(peer)
            : null;
}
