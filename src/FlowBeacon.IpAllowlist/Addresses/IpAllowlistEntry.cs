namespace FlowBeacon.IpAllowlist;

/// <summary>One entry of an allowlist: an address or a CIDR range, and its expiry.</summary>
public sealed record IpAllowlistEntry
{
    /// <summary>
    /// The address, or the range such as <c>198.51.100.0/28</c>. In canonical form in an <see cref="IpAddressSet"/>.
    /// </summary>
    public required string Text { get; init; }

    /// <summary>
    /// The instant from which the entry no longer allows its addresses; null if it does not expire. An expired entry stays on the list.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
