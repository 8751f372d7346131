using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Finds the addresses that use a key and would be denied after a change of it, as far as they are remembered.</summary>
internal sealed class LockoutGuard(TimeProvider time)
{
    /// <summary>An old secret that was used within this time is in use.</summary>
    private static readonly TimeSpan SecretWindow = TimeSpan.FromHours(1);

    /// <summary>
    /// Whether there is any client that a key admits before the change and denies after it, now or from an earlier expiry on.
    /// </summary>
    public bool CanDenyMore(ApiKey before, ApiKey after) =>
        !before.AllowedIps.IsUnreadable && !AdmitsEverybody(after)
        && (AdmitsEverybody(before) || !after.AllowedIps.Covers(before.AllowedIps, time.GetUtcNow()));

    /// <summary>
    /// The risk of a change for which <see cref="CanDenyMore"/>; null if there is none. Addresses that were denied before the change do not
    /// count.
    /// </summary>
    /// <param name="before">The key as it is.</param>
    /// <param name="after">The key after the change.</param>
    /// <param name="seen">Where it was used from.</param>
    public LockoutRisk? Find(ApiKey before, ApiKey after, ApiKeySources seen) =>
        FindInUse(seen, client => !after.Judge(client, time).Passes() && before.Judge(client, time).Passes());

    /// <summary>The sources that use a key now, which disabling it would cut off; null if there are none.</summary>
    /// <param name="key">The key.</param>
    /// <param name="seen">Where it was used from.</param>
    public LockoutRisk? FindInUse(ApiKey key, ApiKeySources seen) =>
        key.AllowedIps.IsUnreadable ? null : FindInUse(seen, client => key.Judge(client, time).Passes());

    /// <summary>The risk of ending the grace period of an old secret; null if it is not in use.</summary>
    /// <param name="old">Its last use; null if none is known.</param>
    public LockoutRisk? FindInUse(SecretUse? old) => old?.LastSeen >= UseWindow.Start(time.GetUtcNow(), SecretWindow)
        ? new LockoutRisk { Sources = [], AreOlderEvicted = false, OldSecret = old }
        : null;

    private LockoutRisk? FindInUse(ApiKeySources seen, Func<ClientIp, bool> isCutOff)
    {
        DateTimeOffset since = UseWindow.Start(time.GetUtcNow(), UseWindow.OfAddress);
        SourceSeen[] cutOff = [.. (seen.WithoutAddress is { } unknown ? seen.Sources.Append(unknown) : seen.Sources)
            .Where(source => source.LastSeen >= since && isCutOff(ClientOf(source)))
            .OrderByDescending(source => source.LastSeen)];

        // The change may also deny sources that were evicted from the record.
        bool areOlderEvicted = seen.EvictedUntil >= since;
        return cutOff.Length == 0 && !areOlderEvicted ? null : new LockoutRisk { Sources = cutOff, AreOlderEvicted = areOlderEvicted };
    }

    private static ClientIp ClientOf(SourceSeen source) =>
        source.ClientIp is null ? ClientIp.Unusable(ClientIpFault.UnknownPeer)
        : IpAddressParser.TryParse(source.ClientIp, out IpAddressValue address) ? ClientIp.Peer(address)
        : throw new InvalidOperationException(
            $"A {nameof(SourceSeen)}.{nameof(SourceSeen.ClientIp)} of the registered {nameof(IApiKeyTraffic)} is not an address, so"
            + " it is unknown whether the change would cut it off. Return addresses in canonical text, or null for uses without one.");

    private static bool AdmitsEverybody(ApiKey key) =>
        !key.AllowedIps.IsUnreadable && (key.AllowedIps.Count == 0 || key.AllowlistMode == AllowlistMode.ReportOnly);
}
