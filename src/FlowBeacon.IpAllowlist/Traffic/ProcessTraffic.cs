using System.Net;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>What this process saw since its start.</summary>
internal sealed class ProcessTraffic(DenialRecord denials, SourcesSeen sources) : IApiKeyTraffic
{
    /// <inheritdoc/>
    public ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return new(denials.Read(query));
    }

    /// <inheritdoc/>
    public ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken) => new(denials.Totals(keyId));

    /// <inheritdoc/>
    public ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyId);
        return new(sources.Read(keyId));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyIds);
        var lastUsed = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (string keyId in keyIds)
        {
            if (sources.Find(keyId)?.LastSeen is > 0 and var seconds)
            {
                lastUsed[keyId] = CoarseClock.ToInstant(seconds);
            }
        }

        return new(lastUsed);
    }

    /// <inheritdoc/>
    public ValueTask<bool> WasDeniedAsync(
        string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyId);
        ArgumentNullException.ThrowIfNull(clientIp);
        return new(denials.WasDenied(keyId, clientIp, since));
    }
}
