using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// The parameters that handlers read from route, query and headers. Handlers take only the request; these signatures are for OpenAPI.
/// </summary>
internal static class RequestParameters
{
    private const string IdText = "The key's id.";
    private const string KeyIdText = "Only entries about this key.";
    private const string ConditionText =
        "The versions of the key that may be changed, such as \"3\", or *."
        + " Without it the key is changed at any version.";
    private const string AddressText = "Only this client address.";
    private const string SinceText = "Only denials since this instant (RFC 3339, with an offset).";
    private const string OrderText = "The order: the latest denials first, or the most frequent ones.";
    private const string AfterText = "The value of next in an earlier page.";
    private const string LimitText = "The most entries of a page.";

    public static void None()
    {
    }

    public static void Key([Description(IdText)] string id) => _ = id;

    public static void Change(
        [Description(IdText)] string id, [FromHeader(Name = "If-Match"), Description(ConditionText)] string? ifMatch) => _ = (id, ifMatch);

    public static void Revoke(
        [Description(IdText)] string id,
        [FromHeader(Name = "If-Match"), Description(ConditionText)] string? ifMatch,
        [FromQuery(Name = "accept_missing_audit"), DefaultValue(false)]
        [Description("Whether the key is revoked without a record if the audit log fails or does not answer in time.")]
        bool? acceptMissingAudit) => _ = (id, ifMatch, acceptMissingAudit);

    public static void List(
        [Range(1, ApiKeyEndpoints.MaxPageSize), DefaultValue(ApiKeyEndpoints.DefaultPageSize), Description(LimitText)] int? limit,
        [RegularExpression("."), Description(AfterText)] string? after,
        [RegularExpression("^(active|expired|disabled|revoked)$"), Description("Only keys in this state.")] string? state,
        [StringLength(ApiKeyLimits.MaxNameLength, MinimumLength = 1)]
        [Description("Only keys whose names contain this, in any case. Its length counts in UTF-16 code units.")]
        string? name,
        [StringLength(ApiKey.PrefixLength, MinimumLength = 1), Description("Only keys with a secret that starts so.")] string? prefix,
        [DefaultValue(false), Description("Whether to count the keys in each state as well.")] bool? counts) =>
        _ = (limit, after, state, name, prefix, counts);

    public static void Audit(
        [Range(1, ApiKeyEndpoints.MaxPageSize), DefaultValue(ApiKeyEndpoints.DefaultPageSize), Description(LimitText)] int? limit,
        [RegularExpression("."), Description(AfterText)] string? after,
        [FromQuery(Name = "key_id"), RegularExpression("."), Description(KeyIdText)] string? keyId) => _ = (limit, after, keyId);

    public static void Denials(
        [FromQuery(Name = "key_id"), RegularExpression("."), Description(KeyIdText)] string? keyId,
        [Description(AddressText)] string? address,
        [Description(SinceText)] DateTimeOffset? since,
        [RegularExpression("^(last_seen|count)$"), DefaultValue("last_seen"), Description(OrderText)] string? order,
        [Range(1, TrafficEndpoints.MaxDenials), DefaultValue(TrafficEndpoints.DefaultDenials), Description(LimitText)] int? limit,
        [RegularExpression("."), Description(AfterText)] string? after) =>
        _ = (keyId, address, since, order, limit, after);

    public static void KeyDenials(
        [Description(IdText)] string id,
        [Description(AddressText)] string? address,
        [Description(SinceText)] DateTimeOffset? since,
        [RegularExpression("^(last_seen|count)$"), DefaultValue("last_seen"), Description(OrderText)] string? order,
        [Range(1, TrafficEndpoints.MaxDenials), DefaultValue(TrafficEndpoints.DefaultDenials), Description(LimitText)] int? limit,
        [RegularExpression("."), Description(AfterText)] string? after) =>
        _ = (id, address, since, order, limit, after);

    public static void Suggest(
        [Description(IdText)] string id,
        [FromQuery(Name = "window_hours"), Range(1, TrafficEndpoints.MaxWindowHours), DefaultValue(TrafficEndpoints.DefaultWindowHours)]
        [Description("How far to look back, in hours.")]
        int? windowHours) => _ = (id, windowHours);
}
