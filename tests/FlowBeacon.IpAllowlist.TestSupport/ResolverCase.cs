using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Resolves the client address of a request in memory, and describes the result as text.</summary>
internal static class ResolverCase
{
    /// <summary>With "::" among them, which a value that was never set would look like.</summary>
    public static readonly string[] TrustedProxies = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8:aaaa::/48", "::/128"];

    private static readonly IpNetworkSet Trusted = IpNetworkSet.Parse(TrustedProxies, "", out _);

    /// <summary><c>ForwardedFor 203.0.113.7</c> and the like, or the name of the fault.</summary>
    public static string Resolve(
        ClientIpSource source, IPAddress? peer, IReadOnlyList<string?> forwardedForLines, bool hasOriginalFor = false) =>
        Describe(ResolverOf(source).Resolve(Request(peer, forwardedForLines, hasOriginalFor)));

    /// <summary>The explanation for people, beside what the check sees in the same request.</summary>
    public static (ClientIpExplanation Explanation, ClientIp Seen) Explain(
        ClientIpSource source, IPAddress? peer, IReadOnlyList<string?> forwardedForLines, bool hasOriginalFor = false)
    {
        HttpContext context = Request(peer, forwardedForLines, hasOriginalFor);
        ClientIpResolver resolver = ResolverOf(source);
        return (((IClientIpResolver)resolver).Explain(context), resolver.Resolve(context));
    }

    private static ClientIpResolver ResolverOf(ClientIpSource source) =>
        new(source, source == ClientIpSource.TrustedProxies ? Trusted : IpNetworkSet.Parse([], "", out _));

    private static DefaultHttpContext Request(IPAddress? peer, IReadOnlyList<string?> forwardedForLines, bool hasOriginalFor)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = peer;
        if (forwardedForLines.Count > 0)
        {
            context.Request.Headers["X-Forwarded-For"] = new StringValues([.. forwardedForLines]);
        }

        if (hasOriginalFor)
        {
            context.Request.Headers["X-Original-For"] = "198.51.100.99:4711";
        }

        return context;
    }

    private static string Describe(ClientIp client)
    {
        client.IsKnown.Should().Be(client.Fault == ClientIpFault.None);
        return client.IsKnown ? $"{client.Origin} {client.Address}" : client.Fault.ToString();
    }
}
