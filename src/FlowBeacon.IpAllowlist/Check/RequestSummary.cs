using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>What a request asks for, as text that is safe to keep: never its path, where a raw key may have been pasted.</summary>
internal static class RequestSummary
{
    private static readonly FrozenSet<string> KnownMethods = FrozenSet.Create(
        HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete, HttpMethods.Options,
        HttpMethods.Trace, HttpMethods.Connect);

    /// <summary>
    /// The method and the route's pattern, such as <c>GET /api/v1/keys/{id}</c>; the method alone where no route is known.
    /// </summary>
    public static string Describe(HttpContext context)
    {
        // A client may send any word as the method.
        string method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        method = KnownMethods.Contains(method) ? method : "OTHER";
        return context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern } ? $"{method} /{pattern.Trim('/')}" : method;
    }
}
