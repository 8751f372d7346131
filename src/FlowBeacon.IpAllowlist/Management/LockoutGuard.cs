using FlowBeacon.IpAllowlist.Denials;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Finds the addresses that use a key and would be denied after a change of it.</summary>
internal sealed class LockoutGuard(SourcesSeen sources, TimeProvider time)
{
    /// <summary>An address that used the key within this time counts as working traffic.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromHours(24);

    /// <summary>The risk of a change; null if it cuts nothing off. What was denied before the change is not cut off by it.</summary>
    public LockoutRisk? Find(ApiKey? before, ApiKey after)
    {
        uint since = (uint)(time.GetUtcNow() - Window).ToUnixTimeSeconds();
        SourceSeen[] cutOff = [.. sources.SeenSince(after.Id, since)
            .Where(cell => !after.Judge(cell.Client).Passes() && before?.Judge(cell.Client).Passes() != false)
            .OrderByDescending(cell => cell.LastSeen)
            .Select(SourcesSeen.Show)];
        return cutOff.Length == 0 ? null : new LockoutRisk(cutOff, sources.AreEvictedSince(after.Id, since));
    }
}
