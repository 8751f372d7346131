using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Warns of entries that are allowed but probably a mistake, and of changes that cut traffic off without changing the list, which the
/// lock-out guard therefore does not see.
/// </summary>
internal sealed class ApiKeyWarnings(ClientIpSource source, TimeProvider time)
{
    private const int SoonHours = 24;

    /// <summary>The warnings about a new key.</summary>
    public IReadOnlyList<ApiKeyWarning> About(ApiKey created, IPAddress? proxy) =>
        [.. AboutList(created, proxy), .. AboutOverlaps(created), .. AboutExpiry(created.ExpiresAt)];

    /// <summary>The warnings about a change: about the whole list, and about other values that it sets.</summary>
    public IReadOnlyList<ApiKeyWarning> About(ApiKey before, ApiKey after, ApiKeyUpdate update) =>
    [
        .. AboutList(after, update.ProxyAddress),
        .. AboutOverlaps(after),
        .. AboutExpiry(update.ExpiresAt),
        .. AboutScopes(before, after),
    ];

    private IEnumerable<ApiKeyWarning> AboutList(ApiKey key, IPAddress? proxyAddress)
    {
        IpAddressValue? proxy = proxyAddress is null || source == ClientIpSource.PeerAddress ? null : IpAddressValue.From(proxyAddress);
        foreach (IpNetwork entry in key.AllowedIps.Members.Select(member => member.Network))
        {
            string? reason = SpecialAddresses.WhyNeverAClient(entry.Start);
            if (reason is not null && reason == SpecialAddresses.WhyNeverAClient(entry.Last))
            {
                yield return About(entry.ToString(), ApiKeyWarningKind.NeverAClient, $"{entry} {reason}; no client ever comes from it");
            }
            else if (proxy is { } address && entry.Contains(address))
            {
                yield return About(
                    entry.ToString(), ApiKeyWarningKind.OwnProxy,
                    $"{entry} {(entry.IsAddress ? "is" : $"holds {address},")} where this request connected from, with an X-Forwarded-For"
                    + " header: it looks like your own proxy, and if it is ever taken for the client, everybody behind it is");
            }
        }
    }

    /// <summary>The warnings about a key in its current state.</summary>
    /// <param name="key">The key.</param>
    /// <param name="sources">Where it was used from.</param>
    public IReadOnlyList<ApiKeyWarning> AboutEntriesInUse(ApiKey key, ApiKeySources sources) =>
    [
        .. EntriesExpiringInUse.Find(key, sources.Sources, time.GetUtcNow(), EntriesExpiringInUse.Soon)
            .Select(entry => About(
                entry.Entry, ApiKeyWarningKind.EntryExpiresInUse,
                $"{entry.Entry} admits until {entry.ExpiresAt:u} only, and was last used at {entry.LastSeen:u};"
                + " give it a later expiry if it is still needed")),
    ];

    /// <summary>
    /// The widest range around an entry is the last one before it that is in no other range: networks are nested or disjoint.
    /// </summary>
    private static IEnumerable<ApiKeyWarning> AboutOverlaps(ApiKey key)
    {
        IpNetwork? widest = null;
        foreach (IpNetwork network in key.AllowedIps.Members.Select(member => member.Network))
        {
            if (widest is { } range && range.Contains(network))
            {
                yield return About(
                    network.ToString(), ApiKeyWarningKind.Overlap,
                    $"{network} lies within {range}, so its expiry or removal denies nobody while {range} is in force");
            }
            else
            {
                widest = network;
            }
        }
    }

    private IEnumerable<ApiKeyWarning> AboutExpiry(DateTimeOffset? expiresAt)
    {
        if (expiresAt <= time.GetUtcNow().AddHours(SoonHours))
        {
            yield return new ApiKeyWarning
            {
                Kind = ApiKeyWarningKind.ExpiresSoon,
                Message = $"the key stops working at {expiresAt:u}, within {SoonHours} hours; the lock-out guard does not look at expiries",
            };
        }
    }

    private static IEnumerable<ApiKeyWarning> AboutScopes(ApiKey before, ApiKey after)
    {
        if (before.Scopes.Count > 0 && after.Scopes.Count == 0)
        {
            yield return new ApiKeyWarning
            {
                Kind = ApiKeyWarningKind.NoScopesLeft,
                Message = "the key has no scope any more, so every endpoint that requires one refuses it;"
                    + " the lock-out guard does not look at scopes",
            };
        }
    }

    private static ApiKeyWarning About(string entry, ApiKeyWarningKind kind, string message) =>
        new() { Kind = kind, Message = message, Entry = entry };
}
