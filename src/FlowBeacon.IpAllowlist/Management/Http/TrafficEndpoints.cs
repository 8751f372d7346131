using System.Net;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The HTTP API of what was seen of keys' traffic: denials, sources, suggestion, trying an address, recovery.</summary>
internal sealed class TrafficEndpoints(
    ApiKeyManager manager, ApiKeyTraffic traffic, ClientIpResolver resolver, AdministrationGuard guard, TimeProvider time)
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
        string id = RequestQuery.IdOf(context);
        AddressTrial trial = ip is { } address
            ? await manager.TryAsync(id, address.ToIPAddress(), context.RequestAborted)
            : await manager.TryRequestAsync(id, forwardedFor ?? [], peer?.ToIPAddress(), context.RequestAborted);
        await ApiKeyJson.WriteAsync(context, TryJson.From(trial, isAddressGiven: ip is not null), ApiKeyJsonContext.Default.TryJson);
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
        ChangedApiKey recovered = await manager.RecoverAsync(
            RequestQuery.IdOf(context), address, presented?.Hash, actor, context.RequestAborted);
        await ApiKeyJson.AnswerAsync(context, StatusCodes.Status200OK, recovered.Details, time.GetUtcNow());
    });

    private Task AnswerDenialsAsync(HttpContext context, string? keyId)
    {
        var errors = new FieldErrors();
        var query = new DenialQuery
        {
            KeyId = keyId,
            ClientIp = RequestQuery.Address(context, "address", errors),
            Since = RequestQuery.Instant(context, "since", errors),
            Limit = RequestQuery.Limit(context, DefaultDenials, MaxDenials, errors),
        };
        errors.ThrowIfAny();
        IReadOnlyList<Denial> rows = traffic.ReadDenials(query);
        DenialTotals totals = traffic.ReadTotals(keyId);
        return ApiKeyJson.WriteAsync(
            context,
            new DenialsJson(totals.Denied, totals.WouldDeny, [.. rows.Select(DenialJson.From)]),
            ApiKeyJsonContext.Default.DenialsJson);
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
