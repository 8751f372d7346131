using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Management.Http;

// Every name is explicit, because a host's naming policy must not change the contract.

[Description("The old secret of a rotation, until its grace period ends. Only list and get return when the two secrets were used.")]
internal sealed record RetiringSecretJson
{
    [JsonPropertyName("prefix"), Description("Its first 12 characters.")]
    public required string Prefix { get; init; }

    [JsonPropertyName("expires_at"), Description("When it stops working.")]
    public required DateTimeOffset ExpiresAt { get; init; }

    [JsonPropertyName("last_used_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("When a request with the old secret last passed, to the second; absent if none was seen.")]
    public DateTimeOffset? LastUsedAt { get; init; }

    [JsonPropertyName("last_used_ip"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The client address of a request in that second; absent if none was seen, or it had no usable address.")]
    public string? LastUsedIp { get; init; }

    [JsonPropertyName("replacement_last_used_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("When a request with the new secret last passed, likewise.")]
    public DateTimeOffset? ReplacementLastUsedAt { get; init; }

    [JsonPropertyName("replacement_last_used_ip"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The client address of a request in that second, likewise.")]
    public string? ReplacementLastUsedIp { get; init; }

    public RetiringSecretJson With(RotationUse? use) => this with
    {
        LastUsedAt = use?.Old?.LastSeen,
        LastUsedIp = use?.Old?.ClientIp,
        ReplacementLastUsedAt = use?.Replacement?.LastSeen,
        ReplacementLastUsedIp = use?.Replacement?.ClientIp,
    };
}

[Description("An entry of the list of a key.")]
internal sealed record AllowlistEntryJson
{
    [JsonPropertyName("ip"), Description("The address or range, in canonical form.")]
    public required string Ip { get; init; }

    [JsonPropertyName("note"), Description("A note about the entry; empty if there is none.")]
    public required string Note { get; init; }

    [JsonPropertyName("expires_at")]
    [Description("When the entry expires; null for never. An expired entry stays on the list, but no longer allows its addresses.")]
    public required DateTimeOffset? ExpiresAt { get; init; }

    [JsonPropertyName("added_at"), Description("When the entry was put on the list; null if that is not known.")]
    public required DateTimeOffset? AddedAt { get; init; }

    [JsonPropertyName("last_seen_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("When a request from an address of the entry last passed, to the second: only in the answer of one key, and if any did.")]
    public DateTimeOffset? LastSeenAt { get; init; }

    /// <summary>The entries of a key; null if its list cannot be read.</summary>
    /// <param name="key">The key.</param>
    /// <param name="sources">Where it was used from; null to leave out the last use of entries.</param>
    public static IReadOnlyList<AllowlistEntryJson>? From(ApiKeyDetails key, ApiKeySources? sources)
    {
        if (key.Key.AllowedIps.IsUnreadable)
        {
            return null;
        }

        IReadOnlyList<DateTimeOffset?>? lastSeen = sources is null ? null : EntryUse.LastSeen(key.Key.AllowedIps, sources);
        return
        [
            .. key.DescribeEntries().Select((entry, index) => new AllowlistEntryJson
            {
                Ip = entry.Details.Ip,
                Note = entry.Details.Note,
                ExpiresAt = entry.ExpiresAt,
                AddedAt = entry.Details.AddedAt,
                LastSeenAt = lastSeen?[index],
            }),
        ];
    }
}

[Description("A key.")]
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal record ApiKeyJson
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("description"), Description("A description of the key; empty if there is none.")]
    public required string Description { get; init; }

    [JsonPropertyName("origin"), JsonConverter(typeof(SnakeCaseEnumConverter<ApiKeyOrigin>))]
    [Description("Where the key is kept. A key from configuration can only be changed there.")]
    public required ApiKeyOrigin Origin { get; init; }

    [JsonPropertyName("state"), JsonConverter(typeof(SnakeCaseEnumConverter<ApiKeyState>))]
    public required ApiKeyState State { get; init; }

    [JsonPropertyName("enabled")]
    [Description("False while the key is disabled. A key that is enabled works unless it is expired or revoked, see state.")]
    public required bool IsEnabled { get; init; }

    [JsonPropertyName("prefix"), Description("The first 12 characters of the raw key.")]
    public required string Prefix { get; init; }

    [JsonPropertyName("allowed_ips")]
    [Description("The allowed addresses, in canonical form, expired ones included; [] if the check is off; null if the stored list cannot"
        + " be read, so that the key is denied from everywhere.")]
    public required IReadOnlyList<string>? AllowedIps { get; init; }

    [JsonPropertyName("entries")]
    [Description("The same entries, in the same order, with their details; null if the stored list cannot be read.")]
    public required IReadOnlyList<AllowlistEntryJson>? Entries { get; init; }

    [JsonPropertyName("allowlist_mode"), JsonConverter(typeof(SnakeCaseEnumConverter<AllowlistMode>))]
    public required AllowlistMode AllowlistMode { get; init; }

    [JsonPropertyName("scopes")]
    public required IReadOnlyList<string> Scopes { get; init; }

    [JsonPropertyName("break_glass")]
    public required bool IsBreakGlass { get; init; }

    [JsonPropertyName("expires_at"), Description("When the key stops working; null for never.")]
    public required DateTimeOffset? ExpiresAt { get; init; }

    [JsonPropertyName("retiring")]
    public required RetiringSecretJson? Retiring { get; init; }

    [JsonPropertyName("created_at")]
    public required DateTimeOffset? CreatedAt { get; init; }

    [JsonPropertyName("created_by"), Description("Who created the key; null for a key from configuration.")]
    public required AuditActorJson? CreatedBy { get; init; }

    [JsonPropertyName("updated_at")]
    public required DateTimeOffset? UpdatedAt { get; init; }

    [JsonPropertyName("revoked_at")]
    public required DateTimeOffset? RevokedAt { get; init; }

    [JsonPropertyName("version"), Description("Grows with each change, and is the ETag in quotes; 0 for a key from configuration.")]
    public required long Version { get; init; }

    [JsonPropertyName("revision"), Description("The number of the change that made the key what it is; 0 for a key from configuration.")]
    public required long Revision { get; init; }

    [JsonPropertyName("key"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("The raw key: only in the answers of create and rotate.")]
    public string? RawKey { get; init; }

    [JsonPropertyName("warnings"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Description("What is allowed but probably a mistake: only in the answers of create, update and get.")]
    public IReadOnlyList<string>? Warnings { get; init; }

    public static ApiKeyJson From(ApiKeyDetails details, DateTimeOffset now)
    {
        ApiKey key = details.Key;
        return new ApiKeyJson
        {
            Id = key.Id,
            Name = key.Name,
            Description = details.Description,
            Origin = details.Origin,
            State = details.StateAt(now),
            IsEnabled = !key.IsDisabled,
            Prefix = key.Prefix,
            AllowedIps = key.AllowedIps.IsUnreadable ? null : key.AllowedIps.ToCanonicalStrings(),
            Entries = AllowlistEntryJson.From(details, sources: null),
            AllowlistMode = key.AllowlistMode,
            Scopes = key.Scopes,
            IsBreakGlass = key.IsBreakGlass,
            ExpiresAt = key.ExpiresAt,
            Retiring = !key.IsRevoked && key.Retiring is { } old && now < old.ExpiresAt
                ? new RetiringSecretJson { Prefix = old.Prefix, ExpiresAt = old.ExpiresAt }
                : null,
            CreatedAt = details.CreatedAt,
            CreatedBy = details.CreatedBy is { } creator ? AuditActorJson.From(creator) : null,
            UpdatedAt = details.UpdatedAt,
            RevokedAt = details.RevokedAt,
            Version = details.Version,
            Revision = details.Revision,
        };
    }

    public static EntityTagHeaderValue ETag(long version) => new($"\"{version}\"");

    /// <summary>Writes one key, and its version as ETag.</summary>
    public static Task AnswerAsync(HttpContext context, int status, ApiKeyJson key) =>
        AnswerAsync(context, status, key, ApiKeyJsonContext.Default.ApiKeyJson);

    /// <summary>Writes one key of a given type, and its version as ETag.</summary>
    public static Task AnswerAsync<T>(HttpContext context, int status, T key, JsonTypeInfo<T> type)
        where T : ApiKeyJson
    {
        context.Response.StatusCode = status;
        context.Response.GetTypedHeaders().ETag = ETag(key.Version);
        return WriteAsync(context, key, type);
    }

    /// <summary>Writes a whole answer.</summary>
    public static Task WriteAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return JsonSerializer.SerializeAsync(context.Response.Body, body, type, context.RequestAborted);
    }
}

/// <summary>
/// A key in the answers of list and get. The answers of changes leave out its use: reading it may fail after the change is made.
/// </summary>
[Description("A key, and when it was used.")]
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record UsedApiKeyJson : ApiKeyJson
{
    /// <summary>For the serializer only: with the other constructor, no member would be required in the OpenAPI document.</summary>
    public UsedApiKeyJson()
    {
    }

    [SetsRequiredMembers]
    private UsedApiKeyJson(ApiKeyJson key)
        : base(key)
    {
    }

    [JsonPropertyName("last_used_at"), JsonPropertyOrder(1)]
    [Description("When a request with the key last passed, to the second; null if none was seen, or use_unknown is true.")]
    public required DateTimeOffset? LastUsedAt { get; init; }

    [JsonPropertyName("last_used_ip"), JsonPropertyOrder(1)]
    [Description("The client address of a request in that second; null if there is none, or it had no usable address.")]
    public required string? LastUsedIp { get; init; }

    [JsonPropertyName("use_unknown"), JsonPropertyOrder(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [Description("True if the recorded traffic could not be read, so that the answer has no use of key, entries and secrets; otherwise"
        + " absent.")]
    public bool IsUseUnknown { get; init; }

    /// <summary>A key with its use; null if that could not be read.</summary>
    public static UsedApiKeyJson From(ApiKeyDetails details, DateTimeOffset now, KeysInUse? use)
    {
        ApiKeyJson key = From(details, now);
        SourceSeen? last = use?.LastUsed.GetValueOrDefault(key.Id);
        return new(key)
        {
            IsUseUnknown = use is null,
            Retiring = key.Retiring?.With(use?.Rotations.GetValueOrDefault(key.Id)),
            LastUsedAt = last?.LastSeen,
            LastUsedIp = last?.ClientIp,
        };
    }
}

[Description("A page of keys, in the order of their ids.")]
internal sealed record ApiKeyPageJson
{
    [JsonPropertyName("keys")]
    public required IReadOnlyList<UsedApiKeyJson> Keys { get; init; }

    [JsonPropertyName("next"), Description("The parameter after of the next page; null if this is the last one.")]
    public required string? Next { get; init; }

    [JsonPropertyName("counts"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ApiKeyCountsJson? Counts { get; init; }
}

[Description("How many keys are in each state: only with counts=true.")]
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record ApiKeyCountsJson
{
    [JsonPropertyName("active")]
    public required long Active { get; init; }

    [JsonPropertyName("expired")]
    public required long Expired { get; init; }

    [JsonPropertyName("disabled")]
    public required long Disabled { get; init; }

    [JsonPropertyName("revoked")]
    public required long Revoked { get; init; }
}

internal sealed record AuditActorJson
{
    [JsonPropertyName("kind"), JsonConverter(typeof(SnakeCaseEnumConverter<ApiKeyActorKind>))]
    public required ApiKeyActorKind Kind { get; init; }

    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("address")]
    public required string? Address { get; init; }

    public static AuditActorJson From(ApiKeyActor actor) => new() { Kind = actor.Kind, Id = actor.Id, Address = actor.Address };
}

[Description("One field of a key that a change changed.")]
internal sealed record AuditChangeJson
{
    [JsonPropertyName("field"), Description("The field, as a key has it.")]
    public required string Field { get; init; }

    [JsonPropertyName("old"), Description("The value before; scopes have a space between them. null if there was none.")]
    public required string? Old { get; init; }

    [JsonPropertyName("new"), Description("The value after, likewise.")]
    public required string? New { get; init; }
}

[JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed record AuditEntryJson
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("at")]
    public required DateTimeOffset At { get; init; }

    [JsonPropertyName("action"), JsonConverter(typeof(SnakeCaseEnumConverter<AuditAction>))]
    public required AuditAction Action { get; init; }

    [JsonPropertyName("actor")]
    public required AuditActorJson Actor { get; init; }

    [JsonPropertyName("key_id")]
    public required string? KeyId { get; init; }

    [JsonPropertyName("key_name")]
    public required string? KeyName { get; init; }

    [JsonPropertyName("old_allowed_ips"), Description("The list before; null if it did not change, or could not be read.")]
    public required IReadOnlyList<string>? OldAllowedIps { get; init; }

    [JsonPropertyName("new_allowed_ips"), Description("The list after; null if it did not change.")]
    public required IReadOnlyList<string>? NewAllowedIps { get; init; }

    [JsonPropertyName("changes"), Description("The other fields that a change or a creation set.")]
    public required IReadOnlyList<AuditChangeJson> Changes { get; init; }

    [JsonPropertyName("detail")]
    public required string? Detail { get; init; }

    [JsonPropertyName("count"), Description("How many times it happened: repeated uses and refusals share an entry.")]
    public required int Count { get; init; }

    public static AuditEntryJson From(AuditEntry entry) => new()
    {
        Id = entry.Id,
        At = entry.At,
        Action = entry.Action,
        Actor = AuditActorJson.From(entry.Actor),
        KeyId = entry.KeyId,
        KeyName = entry.KeyName,
        OldAllowedIps = entry.OldAllowedIps,
        NewAllowedIps = entry.NewAllowedIps,
        Changes =
        [
            .. entry.Changes.Select(change => new AuditChangeJson { Field = change.Field, Old = change.Old, New = change.New }),
        ],
        Detail = entry.Detail,
        Count = entry.Count,
    };
}

[Description("A page of the audit trail, newest first.")]
internal sealed record AuditPageJson
{
    [JsonPropertyName("entries")]
    public required IReadOnlyList<AuditEntryJson> Entries { get; init; }

    [JsonPropertyName("next"), Description("The parameter after of the next page; null if this is the last one.")]
    public required string? Next { get; init; }
}

// Depth and duplicates are checked by RequestBody, which parses a body before it is bound.
[JsonSourceGenerationOptions(RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ManagementProblemJson))]
[JsonSerializable(typeof(CreateApiKeyBody))]
[JsonSerializable(typeof(UpdateApiKeyBody))]
[JsonSerializable(typeof(RotateApiKeyBody))]
[JsonSerializable(typeof(EndGraceBody))]
[JsonSerializable(typeof(RecoverApiKeyBody))]
[JsonSerializable(typeof(EmptyBody))]
[JsonSerializable(typeof(ApiKeyJson))]
[JsonSerializable(typeof(UsedApiKeyJson))]
[JsonSerializable(typeof(ApiKeyPageJson))]
[JsonSerializable(typeof(AuditPageJson))]
[JsonSerializable(typeof(DenialsJson))]
[JsonSerializable(typeof(SourcesJson))]
[JsonSerializable(typeof(SuggestionJson))]
[JsonSerializable(typeof(TryBody))]
[JsonSerializable(typeof(TryJson))]
internal sealed partial class ApiKeyJsonContext : JsonSerializerContext;
