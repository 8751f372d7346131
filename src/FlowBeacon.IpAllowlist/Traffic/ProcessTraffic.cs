using System.Net;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The traffic of this process since its start.</summary>
internal sealed class ProcessTraffic(DenialRecord denials, SourcesSeen sources, SecretsSeen secretsSeen) : IApiKeyTraffic
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
    public ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyIds);
        var lastUsed = new Dictionary<string, SourceSeen>(StringComparer.Ordinal);
        foreach (string keyId in keyIds)
        {
            // Of several in one second always the same one, so that answers do not depend on which was first.
            if (sources.Find(keyId)?.All.MaxBy(cell => (cell.LastSeen, cell.Address.Bits)) is { } last)
            {
                lastUsed[keyId] = last.ToSourceSeen();
            }
        }

        return new(lastUsed);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
        IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        return new(secrets.Distinct().Select(secretsSeen.Read).OfType<SecretUse>().ToDictionary(use => use.Secret));
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
