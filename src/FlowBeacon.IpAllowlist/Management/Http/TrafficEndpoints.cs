using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The HTTP API of the recorded traffic of keys: denials, sources, suggestion, trying an address, recovery.</summary>
internal sealed class TrafficEndpoints(
    ApiKeyManager manager, IApiKeyTraffic traffic, ClientIpResolver resolver, AdministrationGuard guard, TimeProvider time)
{
    public const int DefaultDenials = 100;
    public const int MaxDenials = 1_000;
    public const int DefaultWindowHours = 7 * 24;
    public const int MaxWindowHours = 30 * 24;

    private readonly BoundedTraffic _traffic = new(traffic, time);

    public Task ReadAllDenialsAsync(HttpContext context) =>
        guard.AsReaderAsync(context, _ => AnswerDenialsAsync(context, isOfOneKey: false));

    public Task ReadDenialsAsync(HttpContext context) =>
        guard.AsReaderAsync(context, _ => AnswerDenialsAsync(context, isOfOneKey: true));

    public Task ReadSourcesAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        string id = await ExistingIdAsync(context);
        ApiKeySources seen = await _traffic.ReadAsync((asked, token) => asked.ReadSourcesAsync(id, token), context.RequestAborted);
        await ApiKeyJson.WriteAsync(context, SourcesJson.From(seen), ApiKeyJsonContext.Default.SourcesJson);
    });

    public Task SuggestAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        var errors = new FieldErrors();
        int hours = RequestQuery.Number(context, "window_hours", DefaultWindowHours, MaxWindowHours, errors);
        errors.ThrowIfAny();
        string id = await ExistingIdAsync(context);
        AllowlistSuggestion suggestion = await _traffic.ReadAsync(
            (asked, token) => asked.SuggestAllowlistAsync(id, TimeSpan.FromHours(hours), time, token), context.RequestAborted);
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
            errors.Add(nameof(body.Ip), "send either ip alone, or x_forwarded_for and peer as in a request");
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
            ApiKeyConflictCode.AddressUnknown, "The client address of your request is unknown, so it cannot be allowed.");
        ChangedApiKey recovered = await manager.RecoverAsync(
            RequestQuery.IdOf(context), address, body.Key?.Hash, actor, context.RequestAborted);
        await ApiKeyJson.AnswerAsync(
            context, StatusCodes.Status200OK, ApiKeyJson.From(recovered.Details, time.GetUtcNow()));
    });

    private async Task AnswerDenialsAsync(HttpContext context, bool isOfOneKey)
    {
        var errors = new FieldErrors();
        var query = new DenialQuery
        {
            KeyId = isOfOneKey ? null : RequestQuery.KeyId(context, errors),
            ClientIp = RequestField.Address(RequestQuery.Text(context, "address", errors), "address", errors),
            Since = RequestQuery.Instant(context, "since", errors),
            Order = RequestQuery.Choice<DenialOrder>(context, "order", errors) ?? DenialOrder.LastSeen,
            After = RequestQuery.After(context, errors),
            Limit = RequestQuery.Number(context, "limit", DefaultDenials, MaxDenials, errors),
        };
        errors.ThrowIfAny();
        if (isOfOneKey)
        {
            query = query with { KeyId = await ExistingIdAsync(context) };
        }

        (DenialPage page, DenialTotals totals) = await _traffic.ReadAsync(
            async (asked, token) => (
                await RequestQuery.ReadPageAsync(query.After, () => asked.ReadDenialsAsync(query, token)),
                await asked.ReadTotalsAsync(query.KeyId, token)),
            context.RequestAborted);
        await ApiKeyJson.WriteAsync(
            context,
            new DenialsJson
            {
                Denied = totals.Denied,
                WouldDeny = totals.WouldDeny,
                Denials = [.. page.Denials.Select(DenialJson.From)],
                Next = page.Next,
            },
            ApiKeyJsonContext.Default.DenialsJson);
    }

    /// <summary>The id in the route; an unknown one is 404, not an empty answer.</summary>
    private async Task<string> ExistingIdAsync(HttpContext context) =>
        (await manager.GetAsync(RequestQuery.IdOf(context), context.RequestAborted)).Key.Id;
}
