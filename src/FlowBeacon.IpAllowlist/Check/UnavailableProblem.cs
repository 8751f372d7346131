using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>The response while the store or the repository of keys is unavailable.</summary>
internal static class UnavailableProblem
{
    /// <summary>The last part of the problem's type.</summary>
    public const string Type = "keys-unavailable";

    public const string Title = "API keys unavailable";

    public const string Detail = "API keys cannot be looked up at the moment. Repeat the request after the time in Retry-After.";

    public static Task WriteAsync(HttpContext context, TimeSpan retryAfter)
    {
        // Whole seconds (RFC 9110 §10.2.3); 0 would mean an immediate retry.
        long seconds = Math.Max(1, (long)Math.Ceiling(retryAfter.TotalSeconds));
        context.Response.Headers[HeaderNames.RetryAfter] = seconds.ToString(CultureInfo.InvariantCulture);
        return Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, Type, Title, Detail);
    }
}
