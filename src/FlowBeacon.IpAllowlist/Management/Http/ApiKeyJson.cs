using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

// Every name below is explicit, because a host's naming policy must not change the contract.

/// <summary>What OpenAPI tells of a request body; <see cref="ApiKeyEndpoints"/> reads it member by member, to name every fault.</summary>
internal sealed record CreateApiKeyBody(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("allowed_ips")] IReadOnlyList<string>? AllowedIps,
    [property: JsonPropertyName("allowlist_mode")] string? AllowlistMode,
    [property: JsonPropertyName("scopes")] IReadOnlyList<string>? Scopes,
    [property: JsonPropertyName("expires_at")] DateTimeOffset? ExpiresAt,
    [property: JsonPropertyName("break_glass")] bool? BreakGlass);

internal sealed record UpdateApiKeyBody(
    [property: JsonPropertyName("name")] string? Name,
    [property: JsonPropertyName("allowed_ips")] IReadOnlyList<string>? AllowedIps,
    [property: JsonPropertyName("allowlist_mode")] string? AllowlistMode,
    [property: JsonPropertyName("scopes")] IReadOnlyList<string>? Scopes,
    [property: JsonPropertyName("expires_at")] DateTimeOffset? ExpiresAt,
    [property: JsonPropertyName("accept_lockout_risk")] bool? AcceptLockoutRisk,
    [property: JsonPropertyName("accept_unreadable_list")] bool? AcceptUnreadableList);

internal sealed record RotateApiKeyBody([property: JsonPropertyName("grace_hours")] int? GraceHours);

/// <summary>What OpenAPI tells of the body of a recovery. No object of it is ever made: the raw key is hashed as it is read.</summary>
internal sealed record RecoverApiKeyBody([property: JsonPropertyName("key")] string? Key);

internal sealed record RetiringSecretJson(
    [property: JsonPropertyName("prefix")] string Prefix,
    [property: JsonPropertyName("expires_at")] DateTimeOffset ExpiresAt);

/// <summary>
/// A key as people see it; <c>key</c>, the raw key, only in the answers of create and rotate; <c>warnings</c> only in those of create and
/// update; <c>revision</c> 0 for a key from configuration; <c>allowed_ips</c> null if the stored list cannot be read.
/// </summary>
internal sealed record ApiKeyJson(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("origin")] string Origin,
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("prefix")] string Prefix,
    [property: JsonPropertyName("allowed_ips")] IReadOnlyList<string>? AllowedIps,
    [property: JsonPropertyName("allowlist_mode")] string AllowlistMode,
    [property: JsonPropertyName("scopes")] IReadOnlyList<string> Scopes,
    [property: JsonPropertyName("break_glass")] bool BreakGlass,
    [property: JsonPropertyName("expires_at")] DateTimeOffset? ExpiresAt,
    [property: JsonPropertyName("retiring")] RetiringSecretJson? Retiring,
    [property: JsonPropertyName("created_at")] DateTimeOffset? CreatedAt,
    [property: JsonPropertyName("updated_at")] DateTimeOffset? UpdatedAt,
    [property: JsonPropertyName("revoked_at")] DateTimeOffset? RevokedAt,
    [property: JsonPropertyName("version")] long Version,
    [property: JsonPropertyName("revision")] long Revision,
    [property: JsonPropertyName("key"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RawKey,
    [property: JsonPropertyName("warnings"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Warnings)
{
    public static ApiKeyJson From(ApiKeyDetails details, DateTimeOffset now, string? rawKey = null, IReadOnlyList<string>? warnings = null)
    {
        ApiKey key = details.Key;
        RetiringSecretJson? retiring = !key.IsRevoked && key.Retiring is { } old && now < old.ExpiresAt
            ? new(old.Prefix, old.ExpiresAt)
            : null;
        return new(
            key.Id, key.Name, JsonNames.NameFor(details.Origin), JsonNames.NameFor(details.StateAt(now)), key.Prefix,
            key.AllowedIps.IsUnreadable ? null : key.AllowedIps.ToCanonicalStrings(), JsonNames.NameFor(key.AllowlistMode),
            key.Scopes, key.IsBreakGlass, key.ExpiresAt, retiring,
            details.CreatedAt, details.UpdatedAt, details.RevokedAt, details.Version, details.Revision, rawKey, warnings);
    }

    public static string ETag(long version) => $"\"{version}\"";

    /// <summary>Answers with one key and its version.</summary>
    public static Task AnswerAsync(
        HttpContext context, int status, ApiKeyDetails details, DateTimeOffset now,
        string? rawKey = null, IReadOnlyList<string>? warnings = null)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.ETag = ETag(details.Version);
        return WriteAsync(context, From(details, now, rawKey, warnings), ApiKeyJsonContext.Default.ApiKeyJson);
    }

    /// <summary>Writes a whole answer.</summary>
    public static Task WriteAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return JsonSerializer.SerializeAsync(context.Response.Body, body, type, context.RequestAborted);
    }

    /// <summary>Writes the faults of an input, keyed by field, into a problem.</summary>
    public static void WriteErrors(Utf8JsonWriter json, IReadOnlyDictionary<string, string[]> errors)
    {
        json.WriteStartObject("errors");
        foreach ((string field, string[] faults) in errors)
        {
            json.WriteStartArray(field);
            foreach (string fault in faults)
            {
                json.WriteStringValue(fault);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}

internal sealed record ApiKeyPageJson(
    [property: JsonPropertyName("keys")] IReadOnlyList<ApiKeyJson> Keys,
    [property: JsonPropertyName("next")] string? Next,
    [property: JsonPropertyName("counts"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ApiKeyCountsJson? Counts);

/// <summary>How many keys are in each state, only in the answer to a listing that asks for it.</summary>
internal sealed record ApiKeyCountsJson(
    [property: JsonPropertyName("active")] long Active,
    [property: JsonPropertyName("expired")] long Expired,
    [property: JsonPropertyName("revoked")] long Revoked);

internal sealed record AuditActorJson(
    [property: JsonPropertyName("kind")] string Kind,
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("address")] string? Address);

internal sealed record AuditEntryJson(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("action")] string Action,
    [property: JsonPropertyName("actor")] AuditActorJson Actor,
    [property: JsonPropertyName("key_id")] string? KeyId,
    [property: JsonPropertyName("key_name")] string? KeyName,
    [property: JsonPropertyName("old_allowed_ips")] IReadOnlyList<string>? OldAllowedIps,
    [property: JsonPropertyName("new_allowed_ips")] IReadOnlyList<string>? NewAllowedIps,
    [property: JsonPropertyName("detail")] string? Detail,
    [property: JsonPropertyName("count")] int Count)
{
    public static AuditEntryJson From(AuditEntry entry) => new(
        entry.Id, entry.At, JsonNames.NameFor(entry.Action),
        new(JsonNames.NameFor(entry.Actor.Kind), entry.Actor.Id, entry.Actor.Address),
        entry.KeyId, entry.KeyName, entry.OldAllowedIps, entry.NewAllowedIps, entry.Detail, entry.Count);
}

internal sealed record AuditPageJson(
    [property: JsonPropertyName("entries")] IReadOnlyList<AuditEntryJson> Entries,
    [property: JsonPropertyName("next")] string? Next);

/// <summary>What OpenAPI tells of a refusal (RFC 9457).</summary>
internal sealed record ProblemJson(
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("title")] string Title,
    [property: JsonPropertyName("status")] int Status,
    [property: JsonPropertyName("detail")] string Detail,
    [property: JsonPropertyName("errors")] IReadOnlyDictionary<string, string[]>? Errors,
    [property: JsonPropertyName("sources")] IReadOnlyList<SourceJson>? Sources,
    [property: JsonPropertyName("older_sources_evicted")] bool? OlderSourcesEvicted);

[JsonSerializable(typeof(ProblemJson))]
[JsonSerializable(typeof(CreateApiKeyBody))]
[JsonSerializable(typeof(UpdateApiKeyBody))]
[JsonSerializable(typeof(RotateApiKeyBody))]
[JsonSerializable(typeof(RecoverApiKeyBody))]
[JsonSerializable(typeof(ApiKeyJson))]
[JsonSerializable(typeof(ApiKeyPageJson))]
[JsonSerializable(typeof(AuditPageJson))]
[JsonSerializable(typeof(DenialsJson))]
[JsonSerializable(typeof(SourcesJson))]
[JsonSerializable(typeof(SuggestionJson))]
[JsonSerializable(typeof(TryBody))]
[JsonSerializable(typeof(TryJson))]
internal sealed partial class ApiKeyJsonContext : JsonSerializerContext;
