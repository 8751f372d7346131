namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>An entry of a key's list that is about to expire although an address that it admits uses the key.</summary>
/// <param name="Entry">The entry, in canonical text.</param>
/// <param name="ExpiresAt">The instant from which it no longer admits.</param>
/// <param name="LastSeen">When an address that only this entry still admits last used the key.</param>
internal readonly record struct EntryExpiringInUse(string Entry, DateTimeOffset ExpiresAt, DateTimeOffset LastSeen);
