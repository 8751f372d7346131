using System.Net;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The HTTP API of what was seen of keys' traffic: denials, sources, suggestion, trying an address, recovery.</summary>
internal sealed class TrafficEndpoints(
    ApiKeyManager manager, IApiKeyTraffic traffic, AddressTrial trial, ClientIpResolver resolver, AdministrationGuard guard,
    TimeProvider time)
{
    private const int DefaultDenials = 100;
    private const int MaxDenials = 1_000;
    private const int DefaultWindowHours = 7 * 24;
    private const int MaxWindowHours = 30 * 24;

    public Task ReadAllDenialsAsync(HttpContext context) =>
        guard.AsReaderAsync(context, _ => AnswerDenialsAsync(context, RequestQuery.Text(context, "key_id")));

    public Task ReadDenialsAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
        await AnswerDenialsAsync(context, await ExistingIdAsync(context)));

    public Task ReadSourcesAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        ApiKeySources seen = await traffic.ReadSourcesAsync(await ExistingIdAsync(context), context.RequestAborted);
        await ApiKeyJson.WriteAsync(context, SourcesJson.From(seen), ApiKeyJsonContext.Default.SourcesJson);
    });

    public Task SuggestAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        var errors = new FieldErrors();
        int hours = RequestQuery.Number(context, "window_hours", DefaultWindowHours, MaxWindowHours, errors);
        errors.ThrowIfAny();
        AllowlistSuggestion suggestion = await traffic.SuggestAllowlistAsync(
            await ExistingIdAsync(context), TimeSpan.FromHours(hours), time, context.RequestAborted);
        await ApiKeyJson.WriteAsync(context, SuggestionJson.From(suggestion, time.GetUtcNow()), ApiKeyJsonContext.Default.SuggestionJson);
    });

    public Task TryAsync(HttpContext context) => guard.AsReaderAsync(context, async _ =>
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: false);
        if (body is null)
        {
            return;
        }

        var errors = new FieldErrors();
        var reader = new JsonObjectReader(body.RootElement, errors, "ip", "x_forwarded_for", "peer");
        IpAddressValue? ip = Address(reader, "ip", errors);
        IpAddressValue? peer = Address(reader, "peer", errors);
        string[]? forwardedFor = reader.TextOrTexts("x_forwarded_for");
        if (reader.Has("ip") == (reader.Has("x_forwarded_for") || reader.Has("peer")))
        {
            errors.Add("ip", "write either ip alone, or x_forwarded_for and peer as a request would have them");
        }

        errors.ThrowIfAny();
        ApiKeyDetails key = await manager.GetAsync(RequestQuery.IdOf(context), context.RequestAborted);
        TryJson result = ip is { } address ? trial.OfAddress(key, address) : trial.OfRequest(key, forwardedFor ?? [], peer);
        await ApiKeyJson.WriteAsync(context, result, ApiKeyJsonContext.Default.TryJson);
    });

    public Task RecoverAsync(HttpContext context) => guard.AsReaderAsync(context, async actor =>
    {
        using JsonDocument? body = await RequestBody.ReadAsync(context, isOptional: true);
        if (body is null)
        {
            return;
        }

        var errors = new FieldErrors();
        PresentedKey? presented = new JsonObjectReader(body.RootElement, errors, "key").RawKey("key");
        errors.ThrowIfAny();
        ClientIp caller = resolver.Resolve(context);
        IPAddress address = caller.IsKnown ? caller.Address.ToIPAddress() : throw new ApiKeyManagementException(
            ApiKeyManagementFault.Conflict, "The address you call from is not known here, so it cannot be allowed.");
        ApiKeyDetails recovered = await manager.RecoverAsync(
            RequestQuery.IdOf(context), address, presented, actor, context.RequestAborted);
        await ApiKeyJson.AnswerAsync(context, StatusCodes.Status200OK, recovered, time.GetUtcNow());
    });

    private async Task AnswerDenialsAsync(HttpContext context, string? keyId)
    {
        var errors = new FieldErrors();
        var query = new DenialQuery
        {
            KeyId = keyId,
            ClientIp = RequestQuery.Address(context, "address", errors),
            Since = RequestQuery.Instant(context, "since", errors),
            Order = RequestQuery.Order(context, errors),
            After = RequestQuery.After(context, errors),
            Limit = RequestQuery.Limit(context, DefaultDenials, MaxDenials, errors),
        };
        errors.ThrowIfAny();
        DenialPage page = await ReadDenialsAsync(query, errors, context.RequestAborted);
        DenialTotals totals = await traffic.ReadTotalsAsync(keyId, context.RequestAborted);
        await ApiKeyJson.WriteAsync(
            context,
            new DenialsJson(totals.Denied, totals.WouldDeny, [.. page.Denials.Select(DenialJson.From)], page.Next),
            ApiKeyJsonContext.Default.DenialsJson);
    }

    private async Task<DenialPage> ReadDenialsAsync(DenialQuery query, FieldErrors errors, CancellationToken cancellationToken)
    {
        try
        {
            return await traffic.ReadDenialsAsync(query, cancellationToken);
        }
        catch (FormatException) when (query.After is not null)
        {
            errors.Add("after", RequestQuery.NotACursor);
            errors.ThrowIfAny();
            throw;
        }
    }

    /// <summary>The id in the route; an unknown one is 404, not an empty answer.</summary>
    private async Task<string> ExistingIdAsync(HttpContext context) =>
        (await manager.GetAsync(RequestQuery.IdOf(context), context.RequestAborted)).Key.Id;

    private static IpAddressValue? Address(JsonObjectReader reader, string name, FieldErrors errors)
    {
        if (reader.Text(name) is not { } text)
        {
            return null;
        }

        if (IpAddressParser.TryParse(text, out IpAddressValue address))
        {
            return address;
        }

        errors.Add(name, IpAddressErrorMessage.For(text));
        return null;
    }
}
