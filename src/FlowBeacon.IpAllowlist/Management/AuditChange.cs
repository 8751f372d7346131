using System.Globalization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// One field of a key that a change changed. Each value stands in a member of its own, so that no value can pass for another: neither a
/// name nor a description that reads like a record.
/// </summary>
public sealed record AuditChange
{
    /// <summary>
    /// The field, as key administration over HTTP names it: <c>name</c>, <c>description</c>, <c>scopes</c>, <c>expires_at</c>,
    /// <c>allowlist_mode</c> or <c>enabled</c>.
    /// </summary>
    public required string Field { get; init; }

    /// <summary>
    /// The value before: scopes with a space between them (no scope has one), an instant in RFC 3339, anything else as JSON shows it; null
    /// if there was none.
    /// </summary>
    public required string? Old { get; init; }

    /// <summary>The value after, likewise.</summary>
    public required string? New { get; init; }

    /// <summary>What is different between two states of a key, but for its list, which stands in the entry itself.</summary>
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
    ];

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
