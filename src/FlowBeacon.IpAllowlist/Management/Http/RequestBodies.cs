using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management.Http;

// The bodies of requests. Members that are null were absent: [DisallowNull] refuses null in JSON. They have setters, because the
// source-generated serializer also assigns absent init members, and loses their defaults. Every name is explicit, because a host's
// naming policy must not change the contract; the other attributes describe the rules of key administration in OpenAPI.
[Description("A key to create.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow), JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed class CreateApiKeyBody
{
    /// <summary>A schema counts code points; the server counts UTF-16 code units, as .NET strings do.</summary>
    public const string KeyNameText =
        "Unique, without regard to case, among keys that are not revoked. Its length counts in UTF-16 code units: most emoji have two.";

    [JsonPropertyName("id"), DisallowNull, RegularExpression("^key_[0-9a-f]{32}$")]
    [Description("The id of the new key, so that a repeated request cannot create a second key (it gets 409).")]
    public string? Id { get; set; }

    [JsonPropertyName("name"), DisallowNull, Required, StringLength(ApiKeyLimits.MaxNameLength, MinimumLength = 1)]
    [Description(KeyNameText)]
    public string? Name { get; set; }

    [JsonPropertyName("description"), DisallowNull, StringLength(ApiKeyLimits.MaxDescriptionLength)]
    [Description("A description for people, in one line. Its length counts in UTF-16 code units.")]
    public string? Description { get; set; }

    [JsonPropertyName("allowed_ips"), DisallowNull]
    [Description("The allowed addresses, each a text or an object with a note and an expiry; [] turns the check off for this key. Required,"
        + " unless break_glass is true. At most 1000 entries, where the host sets no other limit.")]
    public IReadOnlyList<AllowedIpBody>? AllowedIps { get; set; }

    [JsonPropertyName("allowlist_mode"), JsonConverter(typeof(SnakeCaseEnumConverter<AllowlistMode>))]
    [Description("Whether the list is enforced (the default) or only reported on.")]
    public AllowlistMode AllowlistMode { get; set; }

    [JsonPropertyName("scopes")]
    [Description("What the key may do: some of the scopes of this application, which are governance:read, governance:evaluate and"
        + " admin unless it sets others.")]
    public IReadOnlyList<string> Scopes { get; set; } = [];

    [JsonPropertyName("expires_at"), RegularExpression(InstantText.Pattern)]
    [Description("When the key stops working, in the future (RFC 3339, with an offset); null for never.")]
    public string? ExpiresAt { get; set; }

    [JsonPropertyName("break_glass"), DefaultValue(false)]
    [Description("Whether this is a break-glass key: no list, and no scope but governance:read.")]
    public bool IsBreakGlass { get; set; }
}

[Description("A change of a key. Absent members stay as they are.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow), JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed class UpdateApiKeyBody
{
    [JsonPropertyName("name"), DisallowNull, StringLength(ApiKeyLimits.MaxNameLength, MinimumLength = 1)]
    [Description(CreateApiKeyBody.KeyNameText)]
    public string? Name { get; set; }

    [JsonPropertyName("description"), DisallowNull, StringLength(ApiKeyLimits.MaxDescriptionLength)]
    [Description("A description for people, in one line; an empty text removes it. Its length counts in UTF-16 code units.")]
    public string? Description { get; set; }

    [JsonPropertyName("allowed_ips"), DisallowNull]
    [Description("The whole new list. A text keeps the note and the expiry of the entry that it names, and an object replaces both; []"
        + " turns the check off for this key. At most 1000 entries, where the host sets no other limit.")]
    public IReadOnlyList<AllowedIpBody>? AllowedIps { get; set; }

    [JsonPropertyName("allowlist_mode"), JsonConverter(typeof(SnakeCaseEnumConverter<AllowlistMode>)), DisallowNull]
    [Description("Whether the list is enforced or only reported on.")]
    public AllowlistMode? AllowlistMode { get; set; }

    [JsonPropertyName("scopes"), DisallowNull]
    [Description("All the new scopes: some of the scopes of this application, which are governance:read, governance:evaluate and admin"
        + " unless it sets others.")]
    public IReadOnlyList<string>? Scopes { get; set; }

    [JsonPropertyName("expires_at"), RegularExpression(InstantText.Pattern)]
    [Description("When the key stops working, in the future (RFC 3339, with an offset). null removes the expiry: the key never expires.")]
    public string? ExpiresAt
    {
        get;
        set
        {
            field = value;
            HasExpiresAt = true;
        }
    }

    /// <summary>Whether <see cref="ExpiresAt"/> was present: null removes the expiry, an absent member keeps it.</summary>
    internal bool HasExpiresAt { get; private set; }

    [JsonPropertyName("enabled"), DisallowNull]
    [Description("false disables the key: requests with it get 401, as with a revoked one. true enables it again.")]
    public bool? Enabled { get; set; }

    [JsonPropertyName("accept_lockout_risk"), DefaultValue(false)]
    [Description("Whether the change may deny addresses that used the key successfully within the last 24 hours; otherwise that is 409.")]
    public bool AcceptLockoutRisk { get; set; }

    [JsonPropertyName("accept_unreadable_list"), DefaultValue(false)]
    [Description("Whether an empty list may replace a stored one that cannot be read; otherwise that is 409.")]
    public bool AcceptUnreadableList { get; set; }
}

[Description("A rotation.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow), JsonNumberHandling(JsonNumberHandling.Strict)]
internal sealed class RotateApiKeyBody
{
    [JsonPropertyName("grace_hours"), Range(ApiKeyLimits.MinGraceHours, ApiKeyLimits.MaxGraceHours)]
    [DefaultValue(ApiKeyLimits.DefaultGraceHours)]
    [Description("How long the old secret keeps working, in hours, written without a fraction.")]
    public int GraceHours { get; set; } = ApiKeyLimits.DefaultGraceHours;
}

[Description("The end of a grace period.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class EndGraceBody
{
    [JsonPropertyName("accept_lockout_risk"), DefaultValue(false)]
    [Description("Whether to end the grace period even if the old secret was used within the last hour; otherwise that is 409.")]
    public bool AcceptLockoutRisk { get; set; }
}

[Description("A recovery.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class RecoverApiKeyBody
{
    [JsonPropertyName("key"), DisallowNull, Description("The raw key, as evidence in place of a recent denial.")]
    public PresentedKey? Key { get; set; }
}

[Description("A request to try: either ip alone, or x_forwarded_for and peer as in a request.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class TryBody
{
    [JsonPropertyName("ip"), DisallowNull, Description("The client address.")]
    public string? Ip { get; set; }

    [JsonPropertyName("x_forwarded_for"), DisallowNull]
    [Description("The header X-Forwarded-For: a text, or a list of texts for several lines.")]
    public ForwardedForLines? ForwardedFor { get; set; }

    [JsonPropertyName("peer"), DisallowNull, Description("The address of the direct peer.")]
    public string? Peer { get; set; }
}

[Description("No members.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class EmptyBody;
