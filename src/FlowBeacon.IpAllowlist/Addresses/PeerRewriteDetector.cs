using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>
/// Detects whether code in this process, usually <c>UseForwardedHeaders</c>, replaced the peer of this request. That removes entries of
/// X-Forwarded-For and leaves the part that a client can forge, so the header must not be used.
/// </summary>
/// <remarks>
/// A request's peer is initially the same instance as that of the connection. Comparing instances, not addresses, also detects a client
/// that sends its own address and port, and a host that renamed the X-Original-For header.
/// </remarks>
internal static class PeerRewriteDetector
{
    /// <summary>Whether the peer differs from that of the connection.</summary>
    /// <param name="context">The request.</param>
    /// <param name="usesProxyProtocol">Whether connection middleware may set the connection's peer.</param>
    public static bool IsRewritten(HttpContext context, bool usesProxyProtocol)
    {
        var transport = context.Features[typeof(IConnectionSocketFeature)] as IConnectionSocketFeature;
        EndPoint? setByConnectionMiddleware = usesProxyProtocol
            ? (context.Features[typeof(IConnectionEndPointFeature)] as IConnectionEndPointFeature)?.RemoteEndPoint
                ?? ConnectionOf(transport)?.RemoteEndPoint
            : null;
        if (setByConnectionMiddleware is not null || transport is not null)
        {
            return IsAnother(context, setByConnectionMiddleware ?? RemoteEndPointOf(transport!));
        }

        // Where there is no socket (IIS, HTTP.sys, HTTP/3, named pipes, test servers), the header that UseForwardedHeaders adds decides.
        return context.Request.Headers.ContainsKey(ForwardedHeadersDefaults.XOriginalForHeaderName);
    }

    private static bool IsAnother(HttpContext context, EndPoint? endPoint) =>
        !ReferenceEquals((endPoint as IPEndPoint)?.Address, context.Connection.RemoteIpAddress);

    /// <summary>The socket's own peer, which connection middleware cannot set.</summary>
    private static EndPoint? RemoteEndPointOf(IConnectionSocketFeature transport)
    {
        try
        {
            return transport.Socket.RemoteEndPoint;
        }
        catch (ObjectDisposedException)
        {
            // The client has disconnected.
            return ConnectionOf(transport)?.RemoteEndPoint;
        }
    }

    /// <summary>On Kestrel's sockets the feature is the connection itself.</summary>
    private static ConnectionContext? ConnectionOf(IConnectionSocketFeature? transport) => transport as ConnectionContext;
}
