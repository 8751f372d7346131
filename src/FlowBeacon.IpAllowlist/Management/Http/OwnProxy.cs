using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The peer of an administration request with a forwarding header is probably the host's own proxy.</summary>
internal static class OwnProxy
{
    /// <summary>The proxy's address; null without such a header.</summary>
    public static IPAddress? AddressOf(HttpContext context) =>
        context.Request.Headers.ContainsKey(ClientIpResolver.ForwardedForHeader) ? context.Connection.RemoteIpAddress : null;
}
