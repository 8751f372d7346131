namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key with the details that administration needs: description, notes, dates, version. Immutable.</summary>
public sealed record ApiKeyDetails
{
    /// <summary>The key as the request path sees it: id, name, prefix, list, scopes, expiry, and the old secret of a rotation.</summary>
    public required ApiKey Key { get; init; }

    /// <summary>A description of the key; empty if there is none.</summary>
    /// <exception cref="ArgumentNullException">The text is null.</exception>
    public string Description
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = "";

    /// <summary>
    /// Details of the list's entries, in its order. An entry without details here has no note, and when it was added is unknown.
    /// </summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<AllowlistEntryDetails> Entries
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = [];

    /// <summary>The number of changes so far, from 1; a change names the version it was read at. 0 for a key from configuration.</summary>
    public required long Version { get; init; }

    /// <summary>
    /// The revision of the commit that last wrote the key. Revisions order all changes: a node at this revision or later has this version
    /// of the key or a later one. The repository sets it; 0 for a key from configuration, or one that is not committed yet.
    /// </summary>
    public long Revision { get; init; }

    /// <summary>When the key was created; null for a key from configuration.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Who created the key; null for a key from configuration.</summary>
    public ApiKeyActor? CreatedBy { get; init; }

    /// <summary>When the key was last changed; null for a key from configuration.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>When the key was revoked; null if it was not.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When a break-glass key last allowed its own address for this key; null if none did.</summary>
    public DateTimeOffset? RecoveredAt { get; init; }

    /// <summary>Where the key is kept.</summary>
    public ApiKeyOrigin Origin { get; init; }

    /// <summary>Every entry of the list, in its order, with its details.</summary>
    internal IEnumerable<(AllowlistEntryDetails Details, DateTimeOffset? ExpiresAt)> DescribeEntries()
    {
        var details = Entries.ToDictionary(entry => entry.Ip, StringComparer.Ordinal);
        return Key.AllowedIps.Entries.Select(entry =>
            (details.GetValueOrDefault(entry.Text) ?? new AllowlistEntryDetails { Ip = entry.Text }, entry.ExpiresAt));
    }

    /// <summary>Whether the key works at an instant.</summary>
    /// <param name="now">The instant.</param>
    /// <returns>The state.</returns>
    public ApiKeyState StateAt(DateTimeOffset now) =>
        Key.IsRevoked ? ApiKeyState.Revoked
        : Key.IsDisabled ? ApiKeyState.Disabled
        : Key.ExpiresAt <= now ? ApiKeyState.Expired
        : ApiKeyState.Active;
}
