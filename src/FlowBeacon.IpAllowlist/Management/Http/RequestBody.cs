using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Reads a JSON object of limited size from a request, or writes the refusal.</summary>
internal static class RequestBody
{
    /// <summary>A list of 1,000 entries with notes of 200 characters fits, also with every character escaped.</summary>
    public const int MaxBytes = 2 * 1024 * 1024;

    private const int MaxDepth = 8;

    /// <summary>What the only number in any body may be.</summary>
    private static readonly string WholeHours =
        $"a whole number from {ApiKeyLimits.MinGraceHours} to {ApiKeyLimits.MaxGraceHours}, written without a fraction";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    /// <summary>
    /// Reads the object; null if the request was refused. A request without a body reads as <c>{}</c> where that is allowed.
    /// </summary>
    /// <remarks>No answer contains the text of a <see cref="JsonException"/>: it repeats names, and one may be a raw key.</remarks>
    public static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, bool isOptional = false)
        where T : class, new()
    {
        // No HTML form can send this type, and a script of another site needs a CORS preflight, so cross-site requests stop here.
        if (!context.Request.HasJsonContentType())
        {
            await RefuseTypeAsync(context, "Send Content-Type: application/json, even without a body.");
            return null;
        }

        byte[]? bytes = await ReadBytesAsync(context);
        return bytes is { Length: 0 } && isOptional ? new T() : await ParseAsync(context, type, bytes);
    }

    /// <summary>
    /// Reads the object of a request that needs a content type only with a body: a DELETE, which no HTML form can send.
    /// </summary>
    public static async Task<T?> ReadIfAnyAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class, new()
    {
        // Without an announced length there may be no body.
        byte[]? bytes = await ReadBytesAsync(context);
        if (bytes is { Length: 0 })
        {
            return new T();
        }

        if (!context.Request.HasJsonContentType())
        {
            await RefuseTypeAsync(context, "Send Content-Type: application/json with a body.");
            return null;
        }

        return await ParseAsync(context, type, bytes);
    }

    private static async Task<T?> ParseAsync<T>(HttpContext context, JsonTypeInfo<T> type, byte[]? bytes)
        where T : class
    {
        if (bytes is null)
        {
            await Problem.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "body-too-large", "Body too large",
                $"The body is longer than {MaxBytes} bytes.");
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                await InvalidAsync(context, "The body must be a JSON object.");
            }
            else if (TryBind(document.RootElement, type, out T? body, out string field, out string fault))
            {
                return body;
            }
            else
            {
                await ManagementProblemJson.WriteInvalidAsync(context, new Dictionary<string, string[]> { [field] = [fault] });
            }
        }
        catch (InvalidOperationException)
        {
            await InvalidAsync(context, "The body has a name that is not Unicode: invalid UTF-8, or an unpaired surrogate.");
        }
        catch (JsonException exception)
        {
            await InvalidAsync(context, exception.LineNumber is { } line
                ? $"The body is not JSON: line {line + 1}, byte {exception.BytePositionInLine + 1}."
                    + $" Or it is nested deeper than {MaxDepth} there."
                : "A member occurs twice.");
        }

        return null;
    }

    /// <exception cref="InvalidOperationException">A name is not Unicode, which shows only when it is read.</exception>
    private static bool TryBind<T>(
        JsonElement json, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? body, out string field, out string fault)
        where T : class
    {
        string? path;
        try
        {
            body = json.Deserialize(type)!;
            path = PathOfLooseValue(json, type, body);
        }
        catch (JsonException exception)
        {
            body = null;
            path = exception.Path;
        }

        if (path is null)
        {
            (field, fault) = ("", "");
            return body is not null;
        }

        JsonPropertyInfo? member = type.Properties.FirstOrDefault(
            one => path == $"$.{one.Name}" || path.StartsWith($"$.{one.Name}[", StringComparison.Ordinal));
        (field, fault) = member is null
            ? (PrintableText.Cut(json.EnumerateObject().First(one => type.Properties.All(known => known.Name != one.Name)).Name),
                type.Properties.Count == 0 ? "unknown member; no members are allowed"
                    : $"unknown member; the members are {string.Join(", ", type.Properties.Select(known => known.Name))}")
            : (path["$.".Length..], $"must be {Expected(member, isItem: path.EndsWith(']'))}");
        return false;
    }

    /// <summary>
    /// Finds a value that the serializer accepts and the OpenAPI document does not: null as an item of a list, and a choice in another case
    /// or with several values.
    /// </summary>
    private static string? PathOfLooseValue<T>(JsonElement json, JsonTypeInfo<T> type, T body)
        where T : class
    {
        foreach (JsonPropertyInfo member in type.Properties)
        {
            if (!json.TryGetProperty(member.Name, out JsonElement value))
            {
                continue;
            }

            object? bound = member.Get!(body);
            if (bound is AllowlistMode mode && !value.ValueEquals(SnakeCase.Of(mode)))
            {
                return $"$.{member.Name}";
            }

            if (bound is IReadOnlyList<string?> items && items.Contains(null))
            {
                return $"$.{member.Name}[{items.TakeWhile(item => item is not null).Count()}]";
            }
        }

        return null;
    }

    private static string Expected(JsonPropertyInfo member, bool isItem)
    {
        Type type = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        return type == typeof(bool) ? "true or false"
            : type == typeof(int) ? WholeHours
            : type == typeof(AllowlistMode) ? SnakeCase.Choices<AllowlistMode>()
            : type == typeof(ForwardedForLines) ? "a string or a list of strings"
            : type == typeof(IReadOnlyList<AllowedIpBody>) ? isItem ? AllowedIpBody.Expected : "a list of strings and objects"
            : type == typeof(IReadOnlyList<string>) && !isItem ? "a list of strings"
            : "a string of Unicode characters";
    }

    private static Task RefuseTypeAsync(HttpContext context, string detail) => Problem.WriteAsync(
        context, StatusCodes.Status415UnsupportedMediaType, "json-required", "JSON required", detail);

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
