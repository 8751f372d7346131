namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Working traffic that a change would cut off, or may cut off because not all of it is remembered.</summary>
public sealed record LockoutRisk
{
    /// <summary>
    /// The addresses that used the key within the last 24 hours and would be denied, the last seen first; one without an address for uses
    /// that had none. It may be empty if <see cref="AreOlderEvicted"/>, and is empty with an <see cref="OldSecret"/>.
    /// </summary>
    public required IReadOnlyList<SourceSeen> Sources { get; init; }

    /// <summary>
    /// Whether sources of that time were evicted (<see cref="IpAllowlistOptions.MaxSourcesPerKey"/>), so that the change may
    /// deny more than <see cref="Sources"/>.
    /// </summary>
    public required bool AreOlderEvicted { get; init; }

    /// <summary>
    /// The last use of a rotation's old secret, within the last hour, where the change ends its grace period; null for any other change.
    /// </summary>
    public SecretUse? OldSecret { get; init; }
}
