using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>A description of a request that is safe to keep: never its path, which may contain a pasted raw key.</summary>
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
        // Clients may send any text as the method.
        string method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        method = KnownMethods.Contains(method) ? method : "OTHER";
        return context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern } ? $"{method} /{pattern.Trim('/')}" : method;
    }
}
