using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.ResponseCaching;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Keeps a cache in front of the check from storing answers: it would serve them to unchecked requests. A cache
/// behind the check is not affected, because it has not handled the request yet.
/// </summary>
internal sealed class CacheInFrontGuard(RequestDelegate check, IpAllowlistDiagnostics diagnostics)
{
    public Task InvokeAsync(HttpContext context)
    {
        // A cache that may store the response replaces the server's body feature, and servers such as Kestrel are their own feature
        // collection. Looking up the features of caches where there is none would cost a third of a warm check.
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
        // after this, could still allow storage. Errors are left to the host's status page, if any.
        outputCache.Context.AllowCacheStorage = false;
        bool hasStatusPage = context.Response.StatusCode >= StatusCodes.Status400BadRequest
            && context.Features.Get<IStatusCodePagesFeature>() is { Enabled: true };
        if (!context.Response.HasStarted && !hasStatusPage)
        {
            await context.Response.StartAsync();
        }
    }

    /// <summary>
    /// The response cache cannot be disabled for a request. It stores responses whose <c>Cache-Control</c> is public at the first write
    /// (RFC 9111 §5.2.2).
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
