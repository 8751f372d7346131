namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Working traffic that a change would cut off, or may cut off because not all of it is remembered.</summary>
/// <param name="Sources">
/// The addresses that used the key within the last 24 hours and would be denied, the last seen first; one without an address for uses that
/// had none. It may be empty if <paramref name="AreOlderEvicted"/>.
/// </param>
/// <param name="AreOlderEvicted">
/// Whether sources of that time had to leave the record (<see cref="IpAllowlistOptions.MaxSourcesPerKey"/>), so that the change may deny
/// more than <paramref name="Sources"/>.
/// </param>
public sealed record LockoutRisk(IReadOnlyList<SourceSeen> Sources, bool AreOlderEvicted);
