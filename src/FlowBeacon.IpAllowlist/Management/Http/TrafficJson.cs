using System.ComponentModel;
using System.Text.Json.Serialization;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record DenialJson
{
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    [JsonPropertyName("ip"), Description("The client address; null if there was no usable one.")]
    public required string? Ip { get; init; }

    [JsonPropertyName("reason"), JsonConverter(typeof(SnakeCaseEnumConverter<IpAllowlistDenialReason>))]
    public required IpAllowlistDenialReason Reason { get; init; }

    [JsonPropertyName("report_only"), Description("Whether the list was in report-only mode, so that the request passed.")]
    public required bool IsReportOnly { get; init; }

    [JsonPropertyName("health"), Description("Whether the request was to the liveness endpoint, which refuses no request.")]
    public required bool IsHealth { get; init; }

    [JsonPropertyName("origin"), JsonConverter(typeof(SnakeCaseEnumConverter<ClientIpOrigin>))]
    public required ClientIpOrigin Origin { get; init; }

    [JsonPropertyName("hop")]
    [Description("The number of the entry of X-Forwarded-For that decided, from 1; null if none did.")]
    public required int? Hop { get; init; }

    [JsonPropertyName("count"), Description("At most how many times.")]
    public required long Count { get; init; }

    [JsonPropertyName("count_error"), Description("How many of count may be too many.")]
    public required long CountError { get; init; }

    [JsonPropertyName("first_seen")]
    public required DateTimeOffset FirstSeen { get; init; }

    [JsonPropertyName("last_seen")]
    public required DateTimeOffset LastSeen { get; init; }

    [JsonPropertyName("last_method")]
    public required string LastMethod { get; init; }

    [JsonPropertyName("last_path")]
    public required string LastPath { get; init; }

    public static DenialJson From(Denial denial) => new()
    {
        KeyId = denial.KeyId,
        Ip = denial.ClientIp,
        Reason = denial.Reason,
        IsReportOnly = denial.IsReportOnly,
        IsHealth = denial.IsHealth,
        Origin = denial.ClientIpOrigin,
        Hop = denial.Hop,
        Count = denial.Count,
        CountError = denial.CountError,
        FirstSeen = denial.FirstSeen,
        LastSeen = denial.LastSeen,
        LastMethod = denial.LastMethod,
        LastPath = denial.LastPath,
    };
}

[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record DenialsJson
{
    [JsonPropertyName("denied"), Description("Every denial, also those that are no longer listed.")]
    public required long Denied { get; init; }

    [JsonPropertyName("would_deny"), Description("All requests that passed only because the list was in report-only mode.")]
    public required long WouldDeny { get; init; }

    [JsonPropertyName("denials")]
    public required IReadOnlyList<DenialJson> Denials { get; init; }

    [JsonPropertyName("next"), Description("The parameter after of the next page; null if this is the last one.")]
    public required string? Next { get; init; }
}

[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record SourceJson
{
    [JsonPropertyName("ip"), Description("The client address; null for uses without a usable one.")]
    public required string? Ip { get; init; }

    [JsonPropertyName("origin"), JsonConverter(typeof(SnakeCaseEnumConverter<ClientIpOrigin>))]
    public required ClientIpOrigin Origin { get; init; }

    [JsonPropertyName("first_seen")]
    public required DateTimeOffset FirstSeen { get; init; }

    [JsonPropertyName("last_seen")]
    public required DateTimeOffset LastSeen { get; init; }

    [JsonPropertyName("count")]
    public required long Count { get; init; }

    public static SourceJson From(SourceSeen source) => new()
    {
        Ip = source.ClientIp,
        Origin = source.ClientIpOrigin,
        FirstSeen = source.FirstSeen,
        LastSeen = source.LastSeen,
        Count = source.Count,
    };
}

internal sealed record SourcesJson
{
    [JsonPropertyName("sources"), Description("The addresses that used the key successfully, the last seen first.")]
    public required IReadOnlyList<SourceJson> Sources { get; init; }

    [JsonPropertyName("without_address")]
    public required SourceJson? WithoutAddress { get; init; }

    [JsonPropertyName("older_sources_evicted"), Description("Whether older ones had to leave the record.")]
    public required bool OlderSourcesEvicted { get; init; }

    [JsonPropertyName("watching_since")]
    public required DateTimeOffset WatchingSince { get; init; }

    public static SourcesJson From(ApiKeySources seen) => new()
    {
        Sources = [.. seen.Sources.Select(SourceJson.From)],
        WithoutAddress = seen.WithoutAddress is { } unknown ? SourceJson.From(unknown) : null,
        OlderSourcesEvicted = seen.AreOlderEvicted,
        WatchingSince = seen.WatchingSince,
    };
}

[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record NewSourceJson
{
    [JsonPropertyName("ip")]
    public required string? Ip { get; init; }

    [JsonPropertyName("first_seen")]
    public required DateTimeOffset FirstSeen { get; init; }

    [JsonPropertyName("first_seen_ago"), Description("In words, such as 3 hours.")]
    public required string FirstSeenAgo { get; init; }

    [JsonPropertyName("last_seen")]
    public required DateTimeOffset LastSeen { get; init; }

    [JsonPropertyName("count")]
    public required long Count { get; init; }
}

/// <summary>How reliable a suggestion is.</summary>
internal enum SuggestionConfidence
{
    Low,
    High,
}

internal sealed record SuggestionJson
{
    [JsonPropertyName("advice"), JsonConverter(typeof(SnakeCaseEnumConverter<AllowlistAdvice>))]
    public required AllowlistAdvice Advice { get; init; }

    [JsonPropertyName("allowed_ips"), Description("The list to set, if that is the advice.")]
    public required IReadOnlyList<string> AllowedIps { get; init; }

    [JsonPropertyName("new_sources"), Description("Those seen only lately: look at them before the list is set.")]
    public required IReadOnlyList<NewSourceJson> NewSources { get; init; }

    [JsonPropertyName("confidence"), JsonConverter(typeof(SnakeCaseEnumConverter<SuggestionConfidence>))]
    public required SuggestionConfidence Confidence { get; init; }

    [JsonPropertyName("notes")]
    public required IReadOnlyList<string> Notes { get; init; }

    public static SuggestionJson From(AllowlistSuggestion suggestion, DateTimeOffset now) => new()
    {
        Advice = suggestion.Advice,
        AllowedIps = suggestion.AllowedIps,
        NewSources =
        [
            .. suggestion.NewSources.Select(source => new NewSourceJson
            {
                Ip = source.ClientIp,
                FirstSeen = source.FirstSeen,
                FirstSeenAgo = SuggestionRules.DescribeDuration(now - source.FirstSeen),
                LastSeen = source.LastSeen,
                Count = source.Count,
            }),
        ],
        Confidence = suggestion.IsConfident ? SuggestionConfidence.High : SuggestionConfidence.Low,
        Notes = suggestion.Notes,
    };
}

/// <summary>Where the client address of a trial comes from.</summary>
internal enum TrialOrigin
{
    None,
    ForwardedFor,
    Peer,
    Given,
}

[Description("The decision of the check. Nothing was counted or recorded.")]
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record TryJson
{
    [JsonPropertyName("outcome"), JsonConverter(typeof(SnakeCaseEnumConverter<IpAllowlistOutcome>))]
    public required IpAllowlistOutcome Outcome { get; init; }

    [JsonPropertyName("status")]
    [Description("The status of the refusal; null if the request would pass.")]
    public required int? Status { get; init; }

    [JsonPropertyName("ip"), Description("The client address; null if there would be no usable one.")]
    public required string? Ip { get; init; }

    [JsonPropertyName("origin"), JsonConverter(typeof(SnakeCaseEnumConverter<TrialOrigin>))]
    [Description("Where the client address comes from.")]
    public required TrialOrigin Origin { get; init; }

    [JsonPropertyName("hop")]
    [Description("The number of the entry of X-Forwarded-For that decides, from 1; null if none does.")]
    public required int? Hop { get; init; }

    [JsonPropertyName("matching_entry"), Description("The entry of the list that admits the request.")]
    public required string? MatchingEntry { get; init; }

    [JsonPropertyName("reason"), JsonConverter(typeof(SnakeCaseEnumConverter<IpAllowlistDenialReason>))]
    [Description("Why the list does not admit the request.")]
    public required IpAllowlistDenialReason? Reason { get; init; }

    [JsonPropertyName("detail"), Description("The decision and its reason in words.")]
    public required string Detail { get; init; }

    public static TryJson From(AddressTrial trial, bool isAddressGiven) => new()
    {
        Outcome = trial.Outcome,
        Status = trial.Outcome switch
        {
            IpAllowlistOutcome.InvalidKey => StatusCodes.Status401Unauthorized,
            IpAllowlistOutcome.Denied => StatusCodes.Status403Forbidden,
            _ => null,
        },
        Ip = trial.ClientIp?.ToString(),
        Origin = isAddressGiven ? TrialOrigin.Given : trial.ClientIpOrigin switch
        {
            ClientIpOrigin.ForwardedFor => TrialOrigin.ForwardedFor,
            ClientIpOrigin.Peer => TrialOrigin.Peer,
            _ => TrialOrigin.None,
        },
        Hop = trial.Hop,
        MatchingEntry = trial.Outcome == IpAllowlistOutcome.Allowed ? trial.ClientIp?.ToString() : null,
        Reason = trial.DenialReason,
        Detail = trial.Detail,
    };
}
