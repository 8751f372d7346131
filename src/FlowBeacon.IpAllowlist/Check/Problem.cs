using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Writes a refusal as problem details (RFC 9457): with the host's service if there is one (<c>AddProblemDetails()</c>), otherwise
/// independently of the host's JSON settings.
/// </summary>
internal static class Problem
{
    /// <summary>How every problem's type begins.</summary>
    public const string TypePrefix = "urn:flowbeacon:problems/";

    /// <summary>The type of bodies (RFC 9457 §3).</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>Writes the whole response.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The status.</param>
    /// <param name="type">The last part of the problem's type.</param>
    /// <param name="title">The published title of that type.</param>
    /// <param name="detail">What happened this time, and the remedy.</param>
    public static Task WriteAsync(HttpContext context, int status, string type, string title, string detail) => WriteAsync(
        context,
        new ProblemJson { Type = TypePrefix + type, Title = title, Status = status, Detail = detail },
        ProblemJsonContext.Default.ProblemJson);

    /// <summary>Writes the whole response, of a problem with further members (RFC 9457 §3.2).</summary>
    public static async Task WriteAsync<T>(HttpContext context, T problem, JsonTypeInfo<T> typeInfo)
        where T : ProblemJson
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(problem, typeInfo);
        context.Response.StatusCode = problem.Status;
        context.Response.Headers.CacheControl = "no-store";
        await WriteBodyAsync(context, body);
    }

    /// <summary>
    /// Writes the body of a response whose status and headers are set, with the host's service if it accepts it.
    /// </summary>
    public static async Task WriteBodyAsync(HttpContext context, byte[] body)
    {
        byte[]? ofHost = context.RequestServices?.GetService<IProblemDetailsService>() is { } service
            ? await HostProblem.BodyAsync(context, service, body)
            : null;
        await (ofHost is null ? WriteOwnBodyAsync(context, body) : SendAsync(context, ofHost));
    }

    /// <summary>Writes the given body of a response whose status and headers are set.</summary>
    public static Task WriteOwnBodyAsync(HttpContext context, byte[] body)
    {
        context.Response.ContentType = ContentType;
        return SendAsync(context, body);
    }

    private static Task SendAsync(HttpContext context, byte[] body)
    {
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, 0, body.Length);
    }
}
