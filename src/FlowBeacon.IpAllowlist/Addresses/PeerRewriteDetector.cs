using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// Finds out whether something in this process, <c>UseForwardedHeaders</c> above all, replaced the peer of this request. It has then
/// consumed entries of X-Forwarded-For and left the part that a client can forge, so no header-reading source may be believed.
/// </summary>
internal static class PeerRewriteDetector
{
    public static bool IsRewritten(HttpContext context)
    {
        // Kestrel's socket transport hands out the connection itself as the socket feature, and a request's peer starts as the very
        // instance the connection holds; whoever replaces it brings another one. Comparing instances, not addresses, also sees a
        // client that names its own address and port, and a host that renamed the X-Original-For header.
        if (context.Features[typeof(IConnectionSocketFeature)] is ConnectionContext connection)
        {
            return !ReferenceEquals((connection.RemoteEndPoint as IPEndPoint)?.Address, context.Connection.RemoteIpAddress);
        }

        // Where no connection can be asked (IIS, HTTP.sys, named pipes, test servers) the trace that UseForwardedHeaders leaves decides.
        return context.Request.Headers.ContainsKey(ForwardedHeadersDefaults.XOriginalForHeaderName);
    }
}
