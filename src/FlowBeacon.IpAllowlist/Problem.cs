using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist;

/// <summary>Writes a refusal as problem details (RFC 9457), independently of the host's JSON settings.</summary>
internal static class Problem
{
    public static async Task WriteAsync(
        HttpContext context, int status, string type, string title, string detail, IReadOnlyDictionary<string, string[]>? errors = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        context.Response.Headers.CacheControl = "no-store";
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            Write(json, status, type, title, detail, errors);
        }

        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
        }
    }

    private static void Write(
        Utf8JsonWriter json, int status, string type, string title, string detail, IReadOnlyDictionary<string, string[]>? errors)
    {
        json.WriteStartObject();
        json.WriteString("type", $"urn:flowbeacon:problems/{type}");
        json.WriteString("title", title);
        json.WriteNumber("status", status);
        json.WriteString("detail", detail);
        if (errors is not null)
        {
            json.WriteStartObject("errors");
            foreach ((string field, string[] faults) in errors)
            {
                json.WriteStartArray(field);
                foreach (string fault in faults)
                {
                    json.WriteStringValue(fault);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
