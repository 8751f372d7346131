namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>An entry of a key's list that is about to expire although an address in it uses the key.</summary>
/// <param name="Entry">The entry, in canonical text.</param>
/// <param name="ExpiresAt">The instant from which it no longer allows its addresses.</param>
/// <param name="LastSeen">When an address that only this entry allows last used the key.</param>
internal readonly record struct EntryExpiringInUse(string Entry, DateTimeOffset ExpiresAt, DateTimeOffset LastSeen);
