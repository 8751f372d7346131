using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>
/// Checks with the keyed traffic of the last hour whether the configured <see cref="ClientIpSource"/> is plausible, and logs when that
/// changes. It counts keys, not requests, so that one key's traffic alone cannot cause a finding.
/// </summary>
internal sealed class ClientIpSourceDiagnosis(
    SourcesSeen sources, DenialRecord denials, CoarseClock clock, ClientIpSource source, ILoggerFactory loggerFactory)
    : IClientIpSourceDiagnosis
{
    private const uint WindowSeconds = 60 * 60;

    /// <summary>With fewer keys in use, a common private address or a lack of addresses is not significant.</summary>
    private const int MinKeys = 3;

    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
    private readonly Lock _judging = new();
    private string? _finding;

    /// <inheritdoc/>
    public string? Judge()
    {
        lock (_judging)
        {
            string? finding = Find([.. ClientsOfEachKey()]);
            if (finding is not null && _finding is null)
            {
                IpAllowlistLog.ClientIpSourceSuspect(_logger, finding);
            }
            else if (finding is null && _finding is not null)
            {
                IpAllowlistLog.ClientIpSourcePlausible(_logger);
            }

            return _finding = finding;
        }
    }

    private string? Find(IReadOnlyList<ClientIp>[] clientsOfEachKey)
    {
        int keys = clientsOfEachKey.Length;
        if (keys < MinKeys)
        {
            return null;
        }

        int rewritten = clientsOfEachKey.Count(clients => clients.All(client => client.Fault == ClientIpFault.PeerRewritten));
        if (IsMost(rewritten))
        {
            return $"the peer address of requests with {rewritten} of {keys} keys was replaced in this process before the check;"
                + $" set options.{nameof(ClientIpSource)} = {nameof(ClientIpSource)}.{nameof(ClientIpSource.PeerAddress)};";
        }

        int unusable = clientsOfEachKey.Count(clients => clients.All(client => client.Fault == ClientIpFault.UnusableForwardedFor));
        if (IsMost(unusable))
        {
            return $"{unusable} of {keys} keys were used only with entries of X-Forwarded-For that are not addresses;"
                + $" make the edge write plain addresses, or choose another {nameof(ClientIpSource)} than {source}";
        }

        IGrouping<ClientIp, ClientIp>? common = clientsOfEachKey
            .Where(clients => clients.All(client => client.IsKnown && client.Address == clients[0].Address))
            .Select(clients => clients[0] with { Hop = 0 })
            .Where(client => SpecialAddresses.IsPrivateOrLoopback(client.Address))
            .GroupBy(client => client)
            .MaxBy(sameAddress => sameAddress.Count());
        return common is not null && IsMost(common.Count())
            ? $"requests with {common.Count()} of {keys} keys all seem to come from {common.Key.Address}, probably one of your proxies;"
                + $" {RemedyFor(common.Key)}"
            : null;

        bool IsMost(int some) => some >= MinKeys && 10 * some >= 9 * keys;
    }

    private string RemedyFor(ClientIp common) => (source, common.Origin) switch
    {
        (ClientIpSource.PeerAddress, _) =>
            $"set {nameof(ClientIpSource)} to {nameof(ClientIpSource.TrustedProxies)} and add it there,"
            + " or run UseForwardedHeaders before the check",
        (ClientIpSource.TrustedProxies, _) => $"add it to {nameof(ClientIpSource.TrustedProxies)}",
        (_, ClientIpOrigin.Peer) => "make it send X-Forwarded-For",
        _ => $"make the edge write the client's address first, or use {nameof(ClientIpSource)}.{nameof(ClientIpSource.TrustedProxies)}",
    };

    /// <summary>For each key used within the window: where it was used from, successfully or not.</summary>
    private IEnumerable<IReadOnlyList<ClientIp>> ClientsOfEachKey()
    {
        uint since = clock.Now - WindowSeconds;
        Dictionary<string, ClientIp> denied = denials.LastOfEachKey(since).ToDictionary(denial => denial.KeyId, denial => denial.Client);
        foreach ((string keyId, KeySources seen) in sources.ByKey)
        {
            List<ClientIp> clients = [.. seen.All.Where(cell => cell.LastSeen >= since).Select(cell => cell.Client)];
            if (denied.Remove(keyId, out ClientIp client))
            {
                clients.Add(client);
            }

            if (clients.Count > 0)
            {
                yield return clients;
            }
        }

        foreach (ClientIp client in denied.Values)
        {
            yield return [client];
        }
    }
}
