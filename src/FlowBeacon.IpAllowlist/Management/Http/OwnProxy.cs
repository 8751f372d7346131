using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>What connects to this host with the request of a person who administers keys is probably the host's own proxy.</summary>
internal static class OwnProxy
{
    /// <summary>Its address; null if no header says that there is one.</summary>
    public static IPAddress? AddressOf(HttpContext context) =>
        context.Request.Headers.ContainsKey(ClientIpResolver.ForwardedForHeader) ? context.Connection.RemoteIpAddress : null;
}
