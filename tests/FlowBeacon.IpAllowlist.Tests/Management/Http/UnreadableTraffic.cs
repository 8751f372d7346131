using System.Net;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Recorded traffic whose database is away.</summary>
internal sealed class UnreadableTraffic : IApiKeyTraffic
{
    public ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken) => throw Failure();

    public ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken) => throw Failure();

    public ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken) => throw Failure();

    public ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken) => throw Failure();

    public ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
        IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken) => throw Failure();

    public ValueTask<bool> WasDeniedAsync(
        string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken) => throw Failure();

    private static IOException Failure() => new("The database does not answer.");
}
