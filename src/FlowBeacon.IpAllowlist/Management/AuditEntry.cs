namespace FlowBeacon.IpAllowlist.Management;

/// <summary>One entry of the audit trail: time, actor, address and action. It never contains a raw key or a hash.</summary>
public sealed record AuditEntry
{
    /// <summary>The entry's id. Appending an id again replaces the entry: a throttled one is written again with its final count.</summary>
    public required string Id { get; init; }

    /// <summary>
    /// The entry's place in the order of its log, from 1: greater than that of every entry appended before it, and kept when the entry is
    /// appended again. The log sets it; 0 for an entry that is not recorded yet.
    /// </summary>
    public long Position { get; init; }

    /// <summary>When it happened; for a throttled entry, when it first did.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What happened.</summary>
    public required AuditAction Action { get; init; }

    /// <summary>Who did it.</summary>
    public required ApiKeyActor Actor { get; init; }

    /// <summary>The id of the key concerned; null if there is none.</summary>
    public string? KeyId { get; init; }

    /// <summary>That key's name at the time.</summary>
    public string? KeyName { get; init; }

    /// <summary>The list before the change, if the change touched it; null if it could not be read, see <see cref="Detail"/>.</summary>
    public IReadOnlyList<string>? OldAllowedIps { get; init; }

    /// <summary>The list after the change, if the change touched it.</summary>
    public IReadOnlyList<string>? NewAllowedIps { get; init; }

    /// <summary>
    /// The other fields that an update, a creation (without old values) or a recovery changed; empty for any other action.
    /// </summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<AuditChange> Changes
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = [];

    /// <summary>More about the event, for people. It contains no text that a caller wrote.</summary>
    public string? Detail { get; init; }

    /// <summary>How often it happened within its minute; 1 for everything that is not throttled.</summary>
    public int Count { get; init; } = 1;

    internal static AuditEntry Create(DateTimeOffset at, AuditAction action, ApiKeyActor actor, string? keyId, string? keyName) =>
        new() { Id = $"audit_{Guid.CreateVersion7(at):N}", At = at, Action = action, Actor = actor, KeyId = keyId, KeyName = keyName };
}
