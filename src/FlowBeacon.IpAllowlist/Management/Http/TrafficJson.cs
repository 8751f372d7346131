using System.Text.Json;
using System.Text.Json.Serialization;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

internal sealed record DenialJson(
    [property: JsonPropertyName("key_id")] string KeyId,
    [property: JsonPropertyName("ip")] string? Ip,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("report_only")] bool ReportOnly,
    [property: JsonPropertyName("health")] bool Health,
    [property: JsonPropertyName("origin")] string Origin,
    [property: JsonPropertyName("hop")] int? Hop,
    [property: JsonPropertyName("count")] long Count,
    [property: JsonPropertyName("count_error")] long CountError,
    [property: JsonPropertyName("first_seen")] DateTimeOffset FirstSeen,
    [property: JsonPropertyName("last_seen")] DateTimeOffset LastSeen,
    [property: JsonPropertyName("last_method")] string LastMethod,
    [property: JsonPropertyName("last_path")] string LastPath)
{
    public static DenialJson From(Denial denial) => new(
        denial.KeyId, denial.ClientIp, JsonNames.NameFor(denial.Reason), denial.IsReportOnly, denial.IsHealth,
        JsonNames.NameFor(denial.ClientIpOrigin), denial.Hop,
        denial.Count, denial.CountError, denial.FirstSeen, denial.LastSeen, denial.LastMethod, denial.LastPath);
}

internal sealed record DenialsJson(
    [property: JsonPropertyName("denied")] long Denied,
    [property: JsonPropertyName("would_deny")] long WouldDeny,
    [property: JsonPropertyName("denials")] IReadOnlyList<DenialJson> Denials);

internal sealed record SourceJson(
    [property: JsonPropertyName("ip")] string? Ip,
    [property: JsonPropertyName("origin")] string Origin,
    [property: JsonPropertyName("first_seen")] DateTimeOffset FirstSeen,
    [property: JsonPropertyName("last_seen")] DateTimeOffset LastSeen,
    [property: JsonPropertyName("count")] long Count)
{
    public static SourceJson From(SourceSeen source) =>
        new(source.ClientIp, JsonNames.NameFor(source.ClientIpOrigin), source.FirstSeen, source.LastSeen, source.Count);
}

internal sealed record SourcesJson(
    [property: JsonPropertyName("sources")] IReadOnlyList<SourceJson> Sources,
    [property: JsonPropertyName("without_address")] SourceJson? WithoutAddress,
    [property: JsonPropertyName("older_sources_evicted")] bool OlderSourcesEvicted,
    [property: JsonPropertyName("watching_since")] DateTimeOffset WatchingSince)
{
    public static SourcesJson From(ApiKeySources seen) => new(
        [.. seen.Sources.Select(SourceJson.From)], seen.WithoutAddress is { } unknown ? SourceJson.From(unknown) : null,
        seen.AreOlderEvicted, seen.WatchingSince);
}

internal sealed record NewSourceJson(
    [property: JsonPropertyName("ip")] string? Ip,
    [property: JsonPropertyName("first_seen")] DateTimeOffset FirstSeen,
    [property: JsonPropertyName("first_seen_ago")] string FirstSeenAgo,
    [property: JsonPropertyName("last_seen")] DateTimeOffset LastSeen,
    [property: JsonPropertyName("count")] long Count);

internal sealed record SuggestionJson(
    [property: JsonPropertyName("advice")] string Advice,
    [property: JsonPropertyName("allowed_ips")] IReadOnlyList<string> AllowedIps,
    [property: JsonPropertyName("new_sources")] IReadOnlyList<NewSourceJson> NewSources,
    [property: JsonPropertyName("confidence")] string Confidence,
    [property: JsonPropertyName("notes")] IReadOnlyList<string> Notes)
{
    public static SuggestionJson From(AllowlistSuggestion suggestion, DateTimeOffset now) => new(
        JsonNames.NameFor(suggestion.Advice),
        suggestion.AllowedIps,
        [.. suggestion.NewSources.Select(source => new NewSourceJson(
            source.ClientIp, source.FirstSeen, SuggestionRules.DescribeDuration(now - source.FirstSeen), source.LastSeen, source.Count))],
        suggestion.IsConfident ? "high" : "low",
        suggestion.Notes);
}

internal sealed record TryBody(
    [property: JsonPropertyName("ip")] string? Ip,
    [property: JsonPropertyName("x_forwarded_for")] string? XForwardedFor,
    [property: JsonPropertyName("peer")] string? Peer);

internal sealed record TryJson(
    [property: JsonPropertyName("outcome")] string Outcome,
    [property: JsonPropertyName("status")] int? Status,
    [property: JsonPropertyName("ip")] string? Ip,
    [property: JsonPropertyName("origin")] string Origin,
    [property: JsonPropertyName("hop")] int? Hop,
    [property: JsonPropertyName("matching_entry")] string? MatchingEntry,
    [property: JsonPropertyName("reason")] string? Reason,
    [property: JsonPropertyName("detail")] string Detail)
{
    public static TryJson From(AddressTrial trial, bool isAddressGiven) => new(
        JsonNames.NameFor(trial.Outcome),
        trial.Outcome switch
        {
            IpAllowlistOutcome.InvalidKey => StatusCodes.Status401Unauthorized,
            IpAllowlistOutcome.Denied => StatusCodes.Status403Forbidden,
            _ => null,
        },
        trial.ClientIp?.ToString(),
        isAddressGiven ? "given" : JsonNames.NameFor(trial.ClientIpOrigin),
        trial.Hop,
        trial.Outcome == IpAllowlistOutcome.Allowed ? trial.ClientIp?.ToString() : null,
        trial.DenialReason is { } reason ? JsonNames.NameFor(reason) : null,
        trial.Detail);
}

/// <summary>Further members of a problem.</summary>
internal static class TrafficJson
{
    public static void Write(Utf8JsonWriter json, LockoutRisk risk)
    {
        json.WriteStartArray("sources");
        foreach (SourceSeen source in risk.Sources)
        {
            JsonSerializer.Serialize(json, SourceJson.From(source), ApiKeyJsonContext.Default.SourceJson);
        }

        json.WriteEndArray();
        json.WriteBoolean("older_sources_evicted", risk.AreOlderEvicted);
    }
}
