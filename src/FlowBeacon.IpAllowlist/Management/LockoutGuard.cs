using FlowBeacon.IpAllowlist.Addresses;
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

        return FindInUse(after.Id, client => !after.Judge(client).Passes() && before.Judge(client).Passes());
    }

    /// <summary>Everything that uses a key now, so that it would be cut off with the key itself; null if nothing does.</summary>
    public LockoutRisk? FindInUse(ApiKey key) => FindInUse(key.Id, client => key.Judge(client).Passes());

    private LockoutRisk? FindInUse(string keyId, Func<ClientIp, bool> isCutOff)
    {
        uint since = (uint)(time.GetUtcNow() - Window).ToUnixTimeSeconds();
        SourceSeen[] cutOff = [.. sources.SeenSince(keyId, since)
            .Where(cell => isCutOff(cell.Client))
            .OrderByDescending(cell => cell.LastSeen)
            .Select(cell => cell.ToSourceSeen())];

        // The change may also deny sources that were evicted from the record.
        bool areOlderEvicted = sources.AreEvictedSince(keyId, since);
        return cutOff.Length == 0 && !areOlderEvicted ? null : new LockoutRisk { Sources = cutOff, AreOlderEvicted = areOlderEvicted };
    }

    /// <summary>Whether there is any client that a key admits before the change and denies after it.</summary>
    private static bool CanDenyMore(ApiKey before, ApiKey after) =>
        !before.AllowedIps.IsUnreadable && !AdmitsEverybody(after)
        && (AdmitsEverybody(before) || !before.AllowedIps.Addresses.All(after.AllowedIps.Contains));

    private static bool AdmitsEverybody(ApiKey key) =>
        !key.AllowedIps.IsUnreadable && (key.AllowedIps.Count == 0 || key.AllowlistMode == AllowlistMode.ReportOnly);
}
