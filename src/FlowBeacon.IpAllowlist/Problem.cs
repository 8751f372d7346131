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
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
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
