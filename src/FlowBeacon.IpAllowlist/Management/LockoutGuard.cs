using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Finds the addresses that use a key and would be denied after a change of it, as far as they are remembered.</summary>
internal sealed class LockoutGuard(SourcesSeen sources, TimeProvider time)
{
    /// <summary>An address that used the key within this time counts as working traffic.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromHours(24);

    /// <summary>The risk of a change; null if there is none. Addresses that were denied before the change do not count.</summary>
    public LockoutRisk? Find(ApiKey before, ApiKey after)
    {
        if (!CanDenyMore(before, after))
        {
            return null;
        }

        uint since = (uint)(time.GetUtcNow() - Window).ToUnixTimeSeconds();
        SourceSeen[] cutOff = [.. sources.SeenSince(after.Id, since)
            .Where(cell => !after.Judge(cell.Client).Passes() && before.Judge(cell.Client).Passes())
            .OrderByDescending(cell => cell.LastSeen)
            .Select(cell => cell.ToSourceSeen())];

        // The change may also deny sources that were evicted from the record.
        bool areOlderEvicted = sources.AreEvictedSince(after.Id, since);
        return cutOff.Length == 0 && !areOlderEvicted ? null : new LockoutRisk(cutOff, areOlderEvicted);
    }

    /// <summary>Whether there is any client that a key admits before the change and denies after it.</summary>
    private static bool CanDenyMore(ApiKey before, ApiKey after) =>
        !before.AllowedIps.IsUnreadable && !AdmitsEverybody(after)
        && (AdmitsEverybody(before) || !before.AllowedIps.Addresses.All(after.AllowedIps.Contains));

    private static bool AdmitsEverybody(ApiKey key) =>
        !key.AllowedIps.IsUnreadable && (key.AllowedIps.Count == 0 || key.AllowlistMode == AllowlistMode.ReportOnly);
}
