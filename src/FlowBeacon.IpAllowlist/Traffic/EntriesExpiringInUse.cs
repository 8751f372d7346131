using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>Finds the entries of a key's list that are about to expire although they are in use.</summary>
internal static class EntriesExpiringInUse
{
    /// <summary>How long before an entry's expiry the key has a warning.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromHours(24);

    /// <summary>
    /// How long before an entry's expiry it is logged. Recovery adds entries that last for a day: with the longer time they would be logged
    /// at once.
    /// </summary>
    public static readonly TimeSpan VerySoon = TimeSpan.FromHours(4);

    /// <summary>Whether the key works and an entry of its list expires soon, so that its traffic must be read.</summary>
    public static bool HasExpiring(ApiKey key, DateTimeOffset now, TimeSpan soon) =>
        key.WorksAt(now) && key.AllowedIps.HasMemberExpiring(now, now + soon);

    /// <summary>
    /// The entries in force that expire soon and contain an address that used the key lately and is not covered longer by another entry; in
    /// the order of the list. None for a key that does not work.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="sources">Where it was used from.</param>
    /// <param name="now">The time.</param>
    /// <param name="soon">How long before its expiry an entry counts.</param>
    public static IReadOnlyList<EntryExpiringInUse> Find(
        ApiKey key, IReadOnlyList<SourceSeen> sources, DateTimeOffset now, TimeSpan soon)
    {
        if (!HasExpiring(key, now, soon))
        {
            return [];
        }

        DateTimeOffset since = UseWindow.Start(now, UseWindow.OfAddress);
        (IpAddressValue Address, DateTimeOffset LastSeen)[] inUse =
            [.. EntryUse.AddressesOf(sources).Where(source => source.LastSeen >= since)];
        var found = new List<EntryExpiringInUse>();
        foreach (IpListEntry entry in key.AllowedIps.Members.Where(member => member.IsExpiring(now, now + soon)))
        {
            DateTimeOffset? lastSeen = inUse
                .Where(source => entry.Network.Contains(source.Address) && key.AllowedIps.ListedUntil(source.Address) == entry.Until)
                .Max(source => (DateTimeOffset?)source.LastSeen);
            if (lastSeen is { } last)
            {
                found.Add(new EntryExpiringInUse(entry.Network.ToString(), Expiry.ToInstant(entry.Until)!.Value, last));
            }
        }

        return found;
    }
}
