using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.ResponseCaching;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Keeps a cache in front of the check from storing answers: it would serve them to requests that the check never sees. A cache
/// behind the check is not affected, because it has not handled the request yet.
/// </summary>
internal sealed class CacheInFrontGuard(RequestDelegate check, IpAllowlistDiagnostics diagnostics)
{
    public Task InvokeAsync(HttpContext context)
    {
        // A cache that may store the response puts a body of its own in place of the server's, and servers such as Kestrel are their own
        // feature collection. Asking for the features of caches where there is none would cost a third of a warm check.
        if (ReferenceEquals(context.Features[typeof(IHttpResponseBodyFeature)], context.Features))
        {
            return check(context);
        }

        var outputCache = context.Features[typeof(IOutputCacheFeature)] as IOutputCacheFeature;
        bool hasResponseCache = context.Features[typeof(IResponseCachingFeature)] is not null;
        if ((outputCache is null && !hasResponseCache) || KeyRequirement.IsDisabledFor(context))
        {
            return check(context);
        }

        diagnostics.CacheInFront();
        return outputCache is null ? InvokePrivatelyAsync(context) : InvokeWithoutStorageAsync(context, outputCache, hasResponseCache);
    }

    /// <summary>
    /// Keeps an answer that depends on the caller out of an output cache, also behind the check: output caching ignores
    /// <c>no-store</c>.
    /// </summary>
    public static void ForbidStorage(HttpContext context)
    {
        if (context.Features.Get<IOutputCacheFeature>() is { } outputCache)
        {
            outputCache.Context.AllowCacheStorage = false;
        }
    }

    private async Task InvokeWithoutStorageAsync(HttpContext context, IOutputCacheFeature outputCache, bool hasResponseCache)
    {
        outputCache.Context.AllowCacheStorage = false;
        await (hasResponseCache ? InvokePrivatelyAsync(context) : check(context));

        // The cache decides when the response starts. An answer without a body has not started yet, and the host's own policies, which run
        // after this, could still allow storage. An error is left to the status page of a host that has one.
        outputCache.Context.AllowCacheStorage = false;
        bool hasStatusPage = context.Response.StatusCode >= StatusCodes.Status400BadRequest
            && context.Features.Get<IStatusCodePagesFeature>() is { Enabled: true };
        if (!context.Response.HasStarted && !hasStatusPage)
        {
            await context.Response.StartAsync();
        }
    }

    /// <summary>
    /// The response cache has no switch. It stores what <c>Cache-Control</c> calls public at the first write (RFC 9111 §5.2.2).
    /// </summary>
    private async Task InvokePrivatelyAsync(HttpContext context)
    {
        Stream body = context.Response.Body;
        context.Response.Body = new PrivateResponseStream(context.Response, body);
        try
        {
            await check(context);
            PrivateResponseStream.MakePrivate(context.Response);
        }
        finally
        {
            context.Response.Body = body;
        }
    }
}
