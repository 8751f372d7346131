using System.Globalization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// One changed field of a key. Each value has a member of its own, so that a name or description cannot imitate another part of the
/// record.
/// </summary>
public sealed record AuditChange
{
    /// <summary>
    /// The field, as key administration over HTTP names it: <c>name</c>, <c>description</c>, <c>scopes</c>, <c>expires_at</c>,
    /// <c>allowlist_mode</c> or <c>enabled</c>; of an entry of the list, <c>allowed_ips[203.0.113.7].note</c> or
    /// <c>allowed_ips[203.0.113.7].expires_at</c>.
    /// </summary>
    public required string Field { get; init; }

    /// <summary>
    /// The value before: scopes with a space between them (no scope has one), an instant in RFC 3339, anything else as JSON shows it; null
    /// if there was none.
    /// </summary>
    public required string? Old { get; init; }

    /// <summary>The value after the change, in the same form.</summary>
    public required string? New { get; init; }

    /// <summary>The differences between two states of a key, except its list, which is in the audit entry itself.</summary>
    internal static IReadOnlyList<AuditChange> Between(ApiKeyDetails before, ApiKeyDetails after) =>
    [
        .. new[]
        {
            Of("name", before.Key.Name, after.Key.Name),
            Of("description", before.Description, after.Description),
            Of("scopes", string.Join(' ', before.Key.Scopes), string.Join(' ', after.Key.Scopes)),
            Of("expires_at", TextOf(before.Key.ExpiresAt), TextOf(after.Key.ExpiresAt)),
            Of("allowlist_mode", SnakeCase.Of(before.Key.AllowlistMode), SnakeCase.Of(after.Key.AllowlistMode)),
            Of("enabled", TextOf(!before.Key.IsDisabled), TextOf(!after.Key.IsDisabled)),
        }.Where(change => change.Old != change.New),
        .. OfEntries(before, after),
    ];

    /// <summary>The values that a creation set, except the name and the list, which are in the audit entry itself.</summary>
    internal static IReadOnlyList<AuditChange> OfCreation(ApiKeyDetails created) =>
    [
        .. new[]
        {
            Of("description", null, created.Description),
            Of("scopes", null, string.Join(' ', created.Key.Scopes)),
            Of("expires_at", null, TextOf(created.Key.ExpiresAt)),
            Of("allowlist_mode", null, SnakeCase.Of(created.Key.AllowlistMode)),
        }.Where(change => change.New is not null),
        .. OfEntries(before: null, created),
    ];

    /// <summary>The differences between the notes and expiries of two lists.</summary>
    internal static IReadOnlyList<AuditChange> OfEntries(ApiKeyDetails? before, ApiKeyDetails after)
    {
        var old = Described(before);
        var @new = Described(after);
        return
        [
            .. from ip in old.Keys.Union(@new.Keys, StringComparer.Ordinal)
               let o = old.GetValueOrDefault(ip)
               let n = @new.GetValueOrDefault(ip)
               from change in new[]
               {
                   Of($"allowed_ips[{ip}].note", o.Note, n.Note),
                   Of($"allowed_ips[{ip}].expires_at", TextOf(o.ExpiresAt), TextOf(n.ExpiresAt)),
               }
               where change.Old != change.New
               select change,
        ];

        static Dictionary<string, (string? Note, DateTimeOffset? ExpiresAt)> Described(ApiKeyDetails? key) =>
            key?.DescribeEntries().ToDictionary(
                entry => entry.Details.Ip, entry => ((string?)entry.Details.Note, entry.ExpiresAt), StringComparer.Ordinal) ?? [];
    }

    private static AuditChange Of(string field, string? old, string? @new) => new()
    {
        Field = field,
        Old = string.IsNullOrEmpty(old) ? null : old,
        New = string.IsNullOrEmpty(@new) ? null : @new,
    };

    private static string? TextOf(DateTimeOffset? instant) =>
        instant?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    private static string TextOf(bool value) => value ? "true" : "false";
}
