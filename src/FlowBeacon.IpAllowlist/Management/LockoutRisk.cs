namespace FlowBeacon.IpAllowlist;

/// <summary>Working traffic that a change would cut off.</summary>
/// <param name="Sources">The addresses that used the key within the last 24 hours and would be denied, the last seen first; one without an address for uses that had none.</param>
/// <param name="AreOlderEvicted">Whether sources of that time had to leave the record, so that there may be more.</param>
public sealed record LockoutRisk(IReadOnlyList<SourceSeen> Sources, bool AreOlderEvicted);
