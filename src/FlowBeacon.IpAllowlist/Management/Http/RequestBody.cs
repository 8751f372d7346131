using System.Buffers;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Takes a JSON object from a request, bounded, or answers why not.</summary>
internal static class RequestBody
{
    public const int MaxBytes = 256 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>
    /// Reads the object; null if the request was refused and answered. A request without a body reads as <c>{}</c> where that is allowed.
    /// </summary>
    public static async Task<JsonDocument?> ReadAsync(HttpContext context, bool isOptional)
    {
        // No HTML form can send this type, and a script of another site must ask first: so no cross-site request gets past here.
        if (!context.Request.HasJsonContentType())
        {
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, "json-required", "JSON required",
                "Send Content-Type: application/json, even without a body.");
            return null;
        }

        byte[]? body = await ReadBytesAsync(context);
        if (body is null)
        {
            await Problem.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "body-too-large", "Body too large",
                $"The body is longer than {MaxBytes} bytes.");
            return null;
        }

        if (body.Length == 0 && isOptional)
        {
            return JsonDocument.Parse("{}");
        }

        try
        {
            var document = JsonDocument.Parse(body, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                ReadAllText(body);
                return document;
            }

            document.Dispose();
            await InvalidAsync(context, "The body must be a JSON object.");
        }
        catch (InvalidOperationException)
        {
            await InvalidAsync(context, "The body has a text that is not Unicode: bytes that are not UTF-8, or half of a surrogate pair.");
        }
        catch (JsonException exception)
        {
            await InvalidAsync(context, exception.LineNumber is { } line
                ? $"The body is not JSON: line {line + 1}, byte {exception.BytePositionInLine + 1}."
                : "A member is named twice.");
        }

        return null;
    }

    /// <summary>Reads a body that may be absent and has no members; false if the request was refused and answered.</summary>
    /// <exception cref="ApiKeyManagementException">It has members.</exception>
    public static async Task<bool> TakesNoMembersAsync(HttpContext context)
    {
        using JsonDocument? body = await ReadAsync(context, isOptional: true);
        if (body is null)
        {
            return false;
        }

        var errors = new FieldErrors();
        _ = new JsonObjectReader(body.RootElement, errors);
        errors.ThrowIfAny();
        return true;
    }

    /// <summary>
    /// The parser looks at the text of strings and names only when they are read, and then throws what is no refusal. They are copied, not
    /// made into strings: one may be a raw key.
    /// </summary>
    private static void ReadAllText(ReadOnlySpan<byte> json)
    {
        char[] text = ArrayPool<char>.Shared.Rent(json.Length);
        try
        {
            var reader = new Utf8JsonReader(json);
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
                {
                    reader.CopyString(text);
                }
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(text, clearArray: true);
        }
    }

    private static Task InvalidAsync(HttpContext context, string detail) =>
        Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid-body", "Invalid body", detail);

    private static async Task<byte[]?> ReadBytesAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MaxBytes)
        {
            return null;
        }

        using var body = new MemoryStream();
        byte[] buffer = new byte[8 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            if (body.Length + read > MaxBytes)
            {
                return null;
            }

            await body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
        }

        return body.ToArray();
    }
}
