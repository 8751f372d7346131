using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Management.Http;

[Description("A refusal (RFC 9457).")]
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record ManagementProblemJson : ProblemJson
{
    [JsonPropertyName("code"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(SnakeCaseEnumConverter<ApiKeyConflictCode>))]
    [Description("Why a request is 409, for programs; only with the types key-conflict and lockout-risk.")]
    public ApiKeyConflictCode? Code { get; init; }

    [JsonPropertyName("errors"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The faults of the input by field, such as allowed_ips[2]; only with the type validation.")]
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    [JsonPropertyName("sources"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The traffic that a change would cut off; only with the code lockout_risk.")]
    public IReadOnlyList<SourceJson>? Sources { get; init; }

    [JsonPropertyName("older_sources_evicted"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("Whether there may be more sources than are remembered; only with the code lockout_risk.")]
    public bool? OlderSourcesEvicted { get; init; }

    [JsonPropertyName("last_used_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("When the old secret was last used, to the second; only with the code old_secret_in_use.")]
    public DateTimeOffset? LastUsedAt { get; init; }

    [JsonPropertyName("last_used_ip"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The client address of that use; absent if it had no usable one.")]
    public string? LastUsedIp { get; init; }

    /// <summary>Writes a refusal of the manager.</summary>
    public static Task WriteAsync(HttpContext context, ApiKeyManagementException refusal) => refusal.Fault switch
    {
        ApiKeyManagementFault.NotFound => Problem.WriteAsync(
            context, StatusCodes.Status404NotFound, "key-not-found", "Key not found", InJsonNames(refusal.Message)),
        ApiKeyManagementFault.Conflict => WriteAsync(context, new ManagementProblemJson
        {
            Type = Problem.TypePrefix + "key-conflict",
            Title = "Conflict",
            Status = StatusCodes.Status409Conflict,
            Detail = InJsonNames(refusal.Message),
            Code = refusal.Code,
        }),
        ApiKeyManagementFault.StaleVersion => Problem.WriteAsync(
            context, StatusCodes.Status412PreconditionFailed, "stale-version", "Stale version", InJsonNames(refusal.Message)),
        ApiKeyManagementFault.LockoutRisk => WriteAsync(context, new ManagementProblemJson
        {
            Type = Problem.TypePrefix + "lockout-risk",
            Title = "Lockout risk",
            Status = StatusCodes.Status409Conflict,
            Detail = InJsonNames(refusal.Message),
            Code = refusal.Code,
            Sources = IsOfSecret(refusal) ? null : [.. refusal.LockoutRisk!.Sources.Select(SourceJson.From)],
            OlderSourcesEvicted = IsOfSecret(refusal) ? null : refusal.LockoutRisk!.AreOlderEvicted,
            LastUsedAt = refusal.LockoutRisk!.OldSecret?.LastSeen,
            LastUsedIp = refusal.LockoutRisk.OldSecret?.ClientIp,
        }),
        ApiKeyManagementFault.AuditUnavailable => Problem.WriteAsync(
            context, StatusCodes.Status503ServiceUnavailable, "audit-unavailable", "Audit unavailable", InJsonNames(refusal.Message)),
        ApiKeyManagementFault.TrafficUnavailable => Problem.WriteAsync(
            context, StatusCodes.Status503ServiceUnavailable, "traffic-unavailable", "Traffic unavailable", InJsonNames(refusal.Message)),
        _ => WriteInvalidAsync(context, refusal.Errors.ToDictionary(fault => JsonNameOf(fault.Key), fault => fault.Value)),
    };

    /// <summary>Writes the faults of an input, by field, in JSON names.</summary>
    public static Task WriteInvalidAsync(HttpContext context, IReadOnlyDictionary<string, string[]> errors) =>
        WriteAsync(context, new ManagementProblemJson
        {
            Type = Problem.TypePrefix + "validation",
            Title = "Validation failed",
            Status = StatusCodes.Status400BadRequest,
            Detail = "Nothing was changed; see errors.",
            Errors = errors,
        });

    private static bool IsOfSecret(ApiKeyManagementException refusal) => refusal.LockoutRisk?.OldSecret is not null;

    private static Task WriteAsync(HttpContext context, ManagementProblemJson problem) =>
        Problem.WriteAsync(context, problem, ApiKeyJsonContext.Default.ManagementProblemJson);

    /// <summary>Converts .NET names, such as <c>AllowedIps[2]</c>, to JSON names; JSON names stay as they are.</summary>
    private static string JsonNameOf(string field) =>
        field == HeaderNames.IfMatch ? field : JsonNamingPolicy.SnakeCaseLower.ConvertName(field);

    /// <summary>A message of the manager with its .NET names replaced by those of the HTTP API.</summary>
    private static string InJsonNames(string message) => message
        .Replace(nameof(ApiKeyUpdate.AcceptLockoutRisk), "accept_lockout_risk", StringComparison.Ordinal)
        .Replace(nameof(ApiKeyUpdate.AcceptUnreadableList), "accept_unreadable_list", StringComparison.Ordinal)
        .Replace(ManagementRefusal.AcceptSecretInUse, "accept_lockout_risk", StringComparison.Ordinal)
        .Replace(ManagementRefusal.AcceptMissingAudit, "accept_missing_audit=true in the query", StringComparison.Ordinal);
}
