using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The HTTP API of key administration: each handler authorizes the caller, reads the request and calls the manager.</summary>
internal sealed class ApiKeyEndpoints(
    ApiKeyManager manager, IApiKeyTraffic traffic, IAuditLog audit, AdministrationGuard guard, TimeProvider time)
{
    public const int DefaultPageSize = 50;
    public const int MaxPageSize = 200;

    private readonly BoundedTraffic _traffic = new(traffic, time);

    public Task CreateAsync(HttpContext context) => guard.AsAdministratorAsync(context, async actor =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.CreateApiKeyBody) is not { } body)
        {
            return;
        }

        var errors = new FieldErrors();
        if (body.Name is null)
        {
            errors.Add(nameof(body.Name), "is missing");
        }

        // A missing list is refused by the manager.
        var request = new NewApiKey
        {
            Id = body.Id,
            Name = body.Name ?? "",
            Description = body.Description,
            AllowedIps = body.AllowedIps is null ? null! : AllowedIpBody.ToItems(body.AllowedIps, errors),
            Scopes = body.Scopes,
            ExpiresAt = RequestField.Instant(body.ExpiresAt, nameof(body.ExpiresAt), errors),
            AllowlistMode = body.AllowlistMode,
            IsBreakGlass = body.IsBreakGlass,
            ProxyAddress = OwnProxy.AddressOf(context),
        };
        IssuedApiKey issued = await manager.CreateAsync(request, actor, errors, context.RequestAborted);
        string collection = (context.Request.PathBase + context.Request.Path).ToUriComponent().TrimEnd('/');
        context.Response.Headers.Location = $"{collection}/{issued.Details.Key.Id}";
        await AnswerAsync(
            context, StatusCodes.Status201Created, issued.Details, issued.RawKey, ApiKeyWarningText.Of(issued.Warnings));
    });

    public Task ListAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        var errors = new FieldErrors();
        var query = new ApiKeyQuery
        {
            Limit = RequestQuery.Number(context, "limit", DefaultPageSize, MaxPageSize, errors),
            State = RequestQuery.Choice<ApiKeyState>(context, "state", errors),
            After = RequestQuery.After(context, errors),
            NameContains = RequestQuery.Filter(context, "name", ApiKeyLimits.MaxNameLength, errors),
            Prefix = RequestQuery.Filter(context, "prefix", ApiKey.PrefixLength, errors),
        };
        bool withCounts = RequestQuery.Boolean(context, "counts", errors);
        errors.ThrowIfAny();
        ApiKeyPage page = await manager.ListAsync(query, context.RequestAborted);
        ApiKeyCounts? counts = withCounts ? await manager.CountAsync(query, context.RequestAborted) : null;
        await ApiKeyJson.WriteAsync(
            context,
            new ApiKeyPageJson
            {
                Keys = await WithUseAsync(page.Keys, context.RequestAborted),
                Next = page.Next,
                Counts = counts is null
                    ? null
                    : new ApiKeyCountsJson
                    {
                        Active = counts.Active,
                        Expired = counts.Expired,
                        Disabled = counts.Disabled,
                        Revoked = counts.Revoked,
                    },
            },
            ApiKeyJsonContext.Default.ApiKeyPageJson);
    });

    public Task GetAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        ApiKeyDetails details = await manager.GetAsync(RequestQuery.IdOf(context), context.RequestAborted);
        DateTimeOffset now = time.GetUtcNow();
        BoundedTraffic.Answer<(KeysInUse Use, ApiKeySources Sources)> seen = await _traffic.AskAsync(
            async (asked, token) => (
                await KeysInUse.ReadAsync(asked, [details], now, token), await asked.ReadSourcesAsync(details.Key.Id, token)),
            context.RequestAborted);
        ApiKeySources? sources = seen.Value.Sources;
        UsedApiKeyJson whole = UsedApiKeyJson.From(details, now, sources is null ? null : seen.Value.Use) with
        {
            Entries = AllowlistEntryJson.From(details, sources),
            Warnings = sources is null ? [] : ApiKeyWarningText.Of(manager.WarningsAbout(details, sources)),
        };
        await ApiKeyJson.AnswerAsync(context, StatusCodes.Status200OK, whole, ApiKeyJsonContext.Default.UsedApiKeyJson);
    });

    public Task UpdateAsync(HttpContext context) => guard.AsAdministratorAsync(context, async actor =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.UpdateApiKeyBody) is not { } body)
        {
            return;
        }

        var errors = new FieldErrors();
        var update = new ApiKeyUpdate
        {
            Name = body.Name,
            Description = body.Description,
            AllowedIps = body.AllowedIps is null ? null : AllowedIpBody.ToItems(body.AllowedIps, errors),
            Scopes = body.Scopes,
            ExpiresAt = RequestField.Instant(body.ExpiresAt, nameof(body.ExpiresAt), errors),
            RemoveExpiry = body is { HasExpiresAt: true, ExpiresAt: null },
            AllowlistMode = body.AllowlistMode,
            Enabled = body.Enabled,
            AcceptLockoutRisk = body.AcceptLockoutRisk,
            AcceptUnreadableList = body.AcceptUnreadableList,
            ProxyAddress = OwnProxy.AddressOf(context),
        };
        var ifMatch = IfMatch.Read(context, errors);
        manager.Check(update, errors);
        errors.ThrowIfAny();
        ChangedApiKey changed = await ChangeAsync(
            context, ifMatch, (id, version) => manager.UpdateAsync(id, update, version, actor, context.RequestAborted));
        await AnswerAsync(
            context, StatusCodes.Status200OK, changed.Details, rawKey: null, ApiKeyWarningText.Of(changed.Warnings));
    });

    public Task RotateAsync(HttpContext context) => guard.AsAdministratorAsync(context, async actor =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.RotateApiKeyBody, isOptional: true) is not { } body)
        {
            return;
        }

        var errors = new FieldErrors();
        var ifMatch = IfMatch.Read(context, errors);
        ApiKeyRules.CheckGrace(body.GraceHours, errors);
        errors.ThrowIfAny();
        IssuedApiKey issued = await ChangeAsync(
            context, ifMatch, (id, version) => manager.RotateAsync(id, body.GraceHours, version, actor, context.RequestAborted));
        await AnswerAsync(context, StatusCodes.Status200OK, issued.Details, issued.RawKey);
    });

    public Task EndGraceAsync(HttpContext context) => guard.AsAdministratorAsync(context, async actor =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.EndGraceBody, isOptional: true) is not { } body)
        {
            return;
        }

        var errors = new FieldErrors();
        var ifMatch = IfMatch.Read(context, errors);
        errors.ThrowIfAny();
        ChangedApiKey ended = await ChangeAsync(
            context, ifMatch,
            (id, version) => manager.EndGraceAsync(id, version, actor, body.AcceptLockoutRisk, context.RequestAborted));
        await AnswerAsync(context, StatusCodes.Status200OK, ended.Details);
    });

    public Task RevokeAsync(HttpContext context) => guard.AsAdministratorAsync(context, async actor =>
    {
        if (await RequestBody.ReadIfAnyAsync(context, ApiKeyJsonContext.Default.EmptyBody) is null)
        {
            return;
        }

        // In the query: proxies and clients drop the body of a DELETE.
        var errors = new FieldErrors();
        bool acceptMissingAudit = RequestQuery.Boolean(context, "accept_missing_audit", errors);
        var ifMatch = IfMatch.Read(context, errors);
        errors.ThrowIfAny();
        ChangedApiKey revoked = await ChangeAsync(
            context, ifMatch, (id, version) => manager.RevokeAsync(id, version, actor, acceptMissingAudit, context.RequestAborted));
        await AnswerAsync(context, StatusCodes.Status200OK, revoked.Details);
    });

    public Task ReadAuditAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        var errors = new FieldErrors();
        int limit = RequestQuery.Number(context, "limit", DefaultPageSize, MaxPageSize, errors);
        string? after = RequestQuery.After(context, errors);
        string? keyId = RequestQuery.KeyId(context, errors);
        errors.ThrowIfAny();
        var query = new AuditQuery { KeyId = keyId, After = after, Limit = limit };
        AuditPage page = await RequestQuery.ReadPageAsync(after, () => audit.ReadAsync(query, context.RequestAborted));
        await ApiKeyJson.WriteAsync(
            context,
            new AuditPageJson { Entries = [.. page.Entries.Select(AuditEntryJson.From)], Next = page.Next },
            ApiKeyJsonContext.Default.AuditPageJson);
    });

    /// <summary>Keys with their last use.</summary>
    private async Task<UsedApiKeyJson[]> WithUseAsync(IReadOnlyList<ApiKeyDetails> keys, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        BoundedTraffic.Answer<KeysInUse> use = await _traffic.AskAsync(
            (asked, token) => KeysInUse.ReadAsync(asked, keys, now, token), cancellationToken);
        return [.. keys.Select(details => UsedApiKeyJson.From(details, now, use.Value))];
    }

    /// <summary>Changes a key at the version in the request's If-Match.</summary>
    private async Task<T> ChangeAsync<T>(HttpContext context, IfMatch ifMatch, Func<string, long?, Task<T>> change)
    {
        string id = RequestQuery.IdOf(context);
        long? version = await ifMatch.ExpectedVersionAsync(async () => (await manager.GetAsync(id, context.RequestAborted)).Version);
        try
        {
            return await change(id, version);
        }
        catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.StaleVersion && !ifMatch.CanMatch)
        {
            throw new ApiKeyManagementException(
                refusal.Fault, "If-Match must be * or strong tags such as \"3\". This value cannot match any version of the key.", refusal);
        }
    }

    private Task AnswerAsync(
        HttpContext context, int status, ApiKeyDetails details, string? rawKey = null, IReadOnlyList<string>? warnings = null) =>
        ApiKeyJson.AnswerAsync(context, status, ApiKeyJson.From(details, time.GetUtcNow()) with { RawKey = rawKey, Warnings = warnings });
}
