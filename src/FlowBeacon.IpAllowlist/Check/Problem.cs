using System.Text.Json;
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
    /// <param name="writeMore">Writes further members (RFC 9457 §3.2).</param>
    public static async Task WriteAsync(
        HttpContext context, int status, string type, string title, string detail, Action<Utf8JsonWriter>? writeMore = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        context.Response.Headers.CacheControl = "no-store";
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", TypePrefix + type);
            json.WriteString("title", title);
            json.WriteNumber("status", status);
            json.WriteString("detail", detail);
            writeMore?.Invoke(json);
            json.WriteEndObject();
        }

        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
        }
    }
}
