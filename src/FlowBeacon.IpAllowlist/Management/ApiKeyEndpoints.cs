using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The HTTP API of key administration. Each handler: who is it, what does he want, what does the manager say.</summary>
internal sealed class ApiKeyEndpoints(ApiKeyManager manager, IAuditLog audit, AdministrationGuard guard, TimeProvider time)
{
    private const int DefaultPageSize = 50;
    private const int LargestPage = 200;

    public Task CreateAsync(HttpContext context) => AsAdministratorAsync(context, async actor =>
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: false);
        if (body is null)
        {
            return;
        }

        var errors = new FieldErrors();
        var reader = new JsonObjectReader(body.RootElement, errors, "name", "allowed_ips", "scopes", "expires_at", "break_glass");
        var request = new NewApiKey
        {
            Name = reader.Text("name") ?? "",
            AllowedIps = reader.Texts("allowed_ips") ?? [],
            Scopes = reader.Texts("scopes") ?? [],
            ExpiresAt = reader.Instant("expires_at"),
            IsBreakGlass = reader.Boolean("break_glass") ?? false,
        };
        if (!reader.Has("allowed_ips") && !request.IsBreakGlass)
        {
            errors.Add("allowed_ips", "is missing; write the allowed addresses, or [] to turn the check off for this key");
        }

        IssuedApiKey issued = await manager.CreateAsync(request, actor, errors, context.RequestAborted);
        context.Response.Headers.Location = $"{(context.Request.PathBase + context.Request.Path).ToUriComponent().TrimEnd('/')}/{issued.Details.Key.Id}";
        await AnswerAsync(context, StatusCodes.Status201Created, issued.Details, issued.RawKey);
    });

    public Task ListAsync(HttpContext context) => AsReaderAsync(context, async () =>
    {
        var errors = new FieldErrors();
        int limit = Limit(context, errors);
        ApiKeyState? state = State(context, errors);
        string? after = context.Request.Query["after"].LastOrDefault();
        errors.ThrowIfAny();

        // One more than asked for tells whether there is another page.
        IReadOnlyList<ApiKeyDetails> keys = await manager.ListAsync(state, after, limit + 1, context.RequestAborted);
        DateTimeOffset now = time.GetUtcNow();
        ApiKeyDetails[] page = [.. keys.Take(limit)];
        await WriteAsync(
            context,
            new ApiKeyPageJson([.. page.Select(details => ApiKeyJson.From(details, now))], keys.Count > limit ? page[^1].Key.Id : null),
            ApiKeyJsonContext.Default.ApiKeyPageJson);
    });

    public Task GetAsync(HttpContext context) => AsReaderAsync(context, async () =>
        await AnswerAsync(context, StatusCodes.Status200OK, await manager.GetAsync(IdOf(context), context.RequestAborted)));

    public Task UpdateAsync(HttpContext context) => AsAdministratorAsync(context, async actor =>
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: false);
        if (body is null)
        {
            return;
        }

        var errors = new FieldErrors();
        var reader = new JsonObjectReader(body.RootElement, errors, "name", "allowed_ips", "scopes", "expires_at");
        var update = new ApiKeyUpdate
        {
            Name = reader.Text("name"),
            AllowedIps = reader.Texts("allowed_ips"),
            Scopes = reader.Texts("scopes"),
            ExpiresAt = reader.Instant("expires_at"),
            RemoveExpiry = reader.IsNull("expires_at"),
        };
        manager.Check(update, errors);
        errors.ThrowIfAny();
        await AnswerAsync(context, StatusCodes.Status200OK,
            await manager.UpdateAsync(IdOf(context), update, ExpectedVersion(context), actor, context.RequestAborted));
    });

    public Task RotateAsync(HttpContext context) => AsAdministratorAsync(context, async actor =>
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: true);
        if (body is null)
        {
            return;
        }

        var errors = new FieldErrors();
        var reader = new JsonObjectReader(body.RootElement, errors, "grace_hours");
        int graceHours = reader.Integer("grace_hours") ?? ApiKeyRules.DefaultGraceHours;
        errors.ThrowIfAny();
        IssuedApiKey issued = await manager.RotateAsync(IdOf(context), graceHours, ExpectedVersion(context), actor, context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status200OK, issued.Details, issued.RawKey);
    });

    public Task EndGraceAsync(HttpContext context) => AsAdministratorAsync(context, async actor =>
    {
        if (await TakesNoMembersAsync(context))
        {
            await AnswerAsync(context, StatusCodes.Status200OK,
                await manager.EndGraceAsync(IdOf(context), ExpectedVersion(context), actor, context.RequestAborted));
        }
    });

    public Task RevokeAsync(HttpContext context) => AsAdministratorAsync(context, async actor =>
    {
        bool hasBody = context.Request.ContentLength != 0 && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != false;
        if (!hasBody || await TakesNoMembersAsync(context))
        {
            await AnswerAsync(context, StatusCodes.Status200OK,
                await manager.RevokeAsync(IdOf(context), ExpectedVersion(context), actor, context.RequestAborted));
        }
    });

    public Task ReadAuditAsync(HttpContext context) => AsReaderAsync(context, async () =>
    {
        var errors = new FieldErrors();
        int limit = Limit(context, errors);
        errors.ThrowIfAny();
        var query = new AuditQuery(context.Request.Query["key_id"].LastOrDefault(), context.Request.Query["before"].LastOrDefault(), limit + 1);
        IReadOnlyList<AuditEntry> entries = await audit.ReadAsync(query, context.RequestAborted);
        AuditEntry[] page = [.. entries.Take(limit)];
        await WriteAsync(
            context,
            new AuditPageJson([.. page.Select(AuditEntryJson.From)], entries.Count > limit ? page[^1].Id : null),
            ApiKeyJsonContext.Default.AuditPageJson);
    });

    private async Task AsAdministratorAsync(HttpContext context, Func<ApiKeyActor, Task> handler)
    {
        if (await guard.AdmitAsync(context, breakGlassMayRead: false) is { } actor)
        {
            await AnswerRefusalsAsync(context, () => handler(actor));
        }
    }

    private async Task AsReaderAsync(HttpContext context, Func<Task> handler)
    {
        if (await guard.AdmitAsync(context, breakGlassMayRead: true) is not null)
        {
            await AnswerRefusalsAsync(context, handler);
        }
    }

    private static async Task AnswerRefusalsAsync(HttpContext context, Func<Task> handler)
    {
        try
        {
            await handler();
        }
        catch (ApiKeyManagementException refusal)
        {
            await (refusal.Fault switch
            {
                ApiKeyManagementFault.NotFound => Problem.WriteAsync(
                    context, StatusCodes.Status404NotFound, "key-not-found", "Key not found", refusal.Message),
                ApiKeyManagementFault.Conflict => Problem.WriteAsync(
                    context, StatusCodes.Status409Conflict, "key-conflict", "Conflict", refusal.Message),
                ApiKeyManagementFault.StaleVersion => Problem.WriteAsync(
                    context, StatusCodes.Status412PreconditionFailed, "stale-version", "Stale version", refusal.Message),
                _ => Problem.WriteAsync(
                    context, StatusCodes.Status400BadRequest, "validation", "Validation failed", "Nothing was changed; see errors.", refusal.Errors),
            });
        }
    }

    private static async Task<bool> TakesNoMembersAsync(HttpContext context)
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: true);
        if (body is null)
        {
            return false;
        }

        var errors = new FieldErrors();
        _ = new JsonObjectReader(body.RootElement, errors);
        errors.ThrowIfAny();
        return true;
    }

    private static string IdOf(HttpContext context) => (string)context.GetRouteValue("id")!;

    private static int Limit(HttpContext context, FieldErrors errors)
    {
        string? text = context.Request.Query["limit"].LastOrDefault();
        if (text is null)
        {
            return DefaultPageSize;
        }

        bool isLimit = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit is >= 1 and <= LargestPage;
        if (!isLimit)
        {
            errors.Add("limit", $"must be a number from 1 to {LargestPage}");
        }

        return isLimit ? limit : DefaultPageSize;
    }

    private static ApiKeyState? State(HttpContext context, FieldErrors errors)
    {
        string? text = context.Request.Query["state"].LastOrDefault();
        foreach (ApiKeyState state in Enum.GetValues<ApiKeyState>())
        {
            if (text == ApiKeyJson.NameOf(state))
            {
                return state;
            }
        }

        if (text is not null)
        {
            errors.Add("state", "must be active, expired or revoked");
        }

        return null;
    }

    /// <summary>The version that If-Match names (RFC 9110 §13.1.1); null without the header, or with <c>*</c>.</summary>
    private static long? ExpectedVersion(HttpContext context)
    {
        string ifMatch = context.Request.Headers.IfMatch.ToString().Trim();
        if (ifMatch.Length == 0 || ifMatch == "*")
        {
            return null;
        }

        // Anything that is not one of our tags matches no version: the condition fails, as it should.
        return EntityTagHeaderValue.TryParse(ifMatch, out EntityTagHeaderValue? tag) && !tag.IsWeak
            && long.TryParse(tag.Tag.AsSpan().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out long version)
            && tag.Tag == ETag(version) ? version : -1;
    }

    private static string ETag(long version) => $"\"{version}\"";

    private Task AnswerAsync(HttpContext context, int status, ApiKeyDetails details, string? rawKey = null)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.ETag = ETag(details.Version);
        return WriteAsync(context, ApiKeyJson.From(details, time.GetUtcNow(), rawKey), ApiKeyJsonContext.Default.ApiKeyJson);
    }

    private static Task WriteAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return JsonSerializer.SerializeAsync(context.Response.Body, body, type, context.RequestAborted);
    }
}
