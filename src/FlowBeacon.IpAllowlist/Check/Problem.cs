using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Writes a refusal as problem details (RFC 9457), independently of the host's JSON settings.</summary>
internal static class Problem
{
    /// <summary>How every problem's type begins.</summary>
    public const string TypePrefix = "urn:flowbeacon:problems/";

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
        context.Response.ContentType = "application/problem+json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body);
        }
    }
}
