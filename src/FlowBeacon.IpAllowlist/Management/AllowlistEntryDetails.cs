namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The details of a list's entry other than its expiry, which is in <see cref="ApiKey.AllowedIps"/>.</summary>
public sealed record AllowlistEntryDetails
{
    /// <summary>The address or range that it is about, in canonical text.</summary>
    public required string Ip { get; init; }

    /// <summary>A note about the entry, such as the owner of the address; empty if there is none.</summary>
    /// <exception cref="ArgumentNullException">The text is null.</exception>
    public string Note
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = "";

    /// <summary>
    /// Whether a break-glass key added the entry: when it has expired and the list is full, it makes room for the next one of that kind.
    /// </summary>
    public bool IsFromRecovery { get; init; }

    /// <summary>When the entry was put on the list; null for one from configuration.</summary>
    public DateTimeOffset? AddedAt { get; init; }
}
