using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The HTTP API of what was seen of keys' traffic: denials, sources, suggestion, trying an address, recovery.</summary>
internal sealed class TrafficEndpoints(
    ApiKeyManager manager, ApiKeyTraffic traffic, ClientIpResolver resolver, AdministrationGuard guard, TimeProvider time)
{
    public const int DefaultDenials = 100;
    public const int MaxDenials = 1_000;
    public const int DefaultWindowHours = 7 * 24;
    public const int MaxWindowHours = 30 * 24;

    public Task ReadAllDenialsAsync(HttpContext context) =>
        guard.AsReaderAsync(context, _ => AnswerDenialsAsync(context, RequestQuery.Text(context, "key_id")));

    public Task ReadDenialsAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
        await AnswerDenialsAsync(context, await ExistingIdAsync(context)));

    public Task ReadSourcesAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        ApiKeySources seen = traffic.ReadSources(await ExistingIdAsync(context));
        await ApiKeyJson.WriteAsync(context, SourcesJson.From(seen), ApiKeyJsonContext.Default.SourcesJson);
    });

    public Task SuggestAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        var errors = new FieldErrors();
        int hours = RequestQuery.Number(context, "window_hours", DefaultWindowHours, MaxWindowHours, errors);
        errors.ThrowIfAny();
        AllowlistSuggestion suggestion = traffic.Suggest(await ExistingIdAsync(context), TimeSpan.FromHours(hours));
        await ApiKeyJson.WriteAsync(context, SuggestionJson.From(suggestion, time.GetUtcNow()), ApiKeyJsonContext.Default.SuggestionJson);
    });

    public Task TryAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.TryBody) is not { } body)
        {
            return;
        }

        var errors = new FieldErrors();
        IPAddress? ip = RequestField.Address(body.Ip, nameof(body.Ip), errors);
        IPAddress? peer = RequestField.Address(body.Peer, nameof(body.Peer), errors);
        if ((body.Ip is null) == (body.ForwardedFor is null && body.Peer is null))
        {
            errors.Add(nameof(body.Ip), "write either ip alone, or x_forwarded_for and peer as a request would have them");
        }

        errors.ThrowIfAny();
        string id = RequestQuery.IdOf(context);
        AddressTrial trial = ip is not null
            ? await manager.TryAsync(id, ip, context.RequestAborted)
            : await manager.TryRequestAsync(id, body.ForwardedFor?.Values ?? [], peer, context.RequestAborted);
        await ApiKeyJson.WriteAsync(context, TryJson.From(trial, isAddressGiven: ip is not null), ApiKeyJsonContext.Default.TryJson);
    });

    public Task RecoverAsync(HttpContext context) => guard.AsReaderAsync(context, async actor =>
    {
        if (await RequestBody.ReadAsync(context, ApiKeyJsonContext.Default.RecoverApiKeyBody, isOptional: true) is not { } body)
        {
            return;
        }

        ClientIp caller = resolver.Resolve(context);
        IPAddress address = caller.IsKnown ? caller.Address.ToIPAddress() : throw new ApiKeyManagementException(
            ApiKeyManagementFault.Conflict, "The address you call from is not known here, so it cannot be allowed.");
        ChangedApiKey recovered = await manager.RecoverAsync(
            RequestQuery.IdOf(context), address, body.Key?.Hash, actor, context.RequestAborted);
        await ApiKeyJson.AnswerAsync(
            context, StatusCodes.Status200OK, ApiKeyJson.From(recovered.Details, time.GetUtcNow()));
    });

    private Task AnswerDenialsAsync(HttpContext context, string? keyId)
    {
        var errors = new FieldErrors();
        var query = new DenialQuery
        {
            KeyId = keyId,
            ClientIp = RequestField.Address(RequestQuery.Text(context, "address"), "address", errors),
            Since = RequestField.Instant(RequestQuery.Text(context, "since"), "since", errors),
            Limit = RequestQuery.Number(context, "limit", DefaultDenials, MaxDenials, errors),
        };
        errors.ThrowIfAny();
        IReadOnlyList<Denial> rows = traffic.ReadDenials(query);
        DenialTotals totals = traffic.ReadTotals(keyId);
        return ApiKeyJson.WriteAsync(
            context,
            new DenialsJson { Denied = totals.Denied, WouldDeny = totals.WouldDeny, Denials = [.. rows.Select(DenialJson.From)] },
            ApiKeyJsonContext.Default.DenialsJson);
    }

    /// <summary>The id in the route; an unknown one is 404, not an empty answer.</summary>
    private async Task<string> ExistingIdAsync(HttpContext context) =>
        (await manager.GetAsync(RequestQuery.IdOf(context), context.RequestAborted)).Key.Id;
}
