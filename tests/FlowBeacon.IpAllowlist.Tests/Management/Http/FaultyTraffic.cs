using System.Net;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Recorded traffic whose database is away, for all queries or for one.</summary>
/// <param name="query">The name of the query that fails; null for all of them.</param>
/// <param name="fail">How it fails.</param>
internal sealed class FaultyTraffic(string? query, Func<CancellationToken, Task> fail) : IApiKeyTraffic
{
    private static readonly DateTimeOffset Seen = KeyApiHost.Start;

    public static FaultyTraffic Away { get; } = new(query: null, _ => throw new IOException("The database does not answer."));

    public async ValueTask<DenialPage> ReadDenialsAsync(DenialQuery asked, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(ReadDenialsAsync), cancellationToken);
        return new DenialPage { Denials = [], Next = null };
    }

    public async ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(ReadTotalsAsync), cancellationToken);
        return new DenialTotals { Denied = 0, WouldDeny = 0 };
    }

    public async ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(ReadSourcesAsync), cancellationToken);
        return new ApiKeySources { Sources = [], WatchingSince = Seen };
    }

    public async ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(ReadLastUsedAsync), cancellationToken);
        return keyIds.ToDictionary(id => id, _ => new SourceSeen
        {
            ClientIp = "203.0.113.7",
            ClientIpOrigin = ClientIpOrigin.Peer,
            FirstSeen = Seen,
            LastSeen = Seen,
            Count = 1,
        });
    }

    public async ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
        IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(ReadSecretsLastUsedAsync), cancellationToken);
        return new Dictionary<ApiKeyHash, SecretUse>();
    }

    public async ValueTask<bool> WasDeniedAsync(
        string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await FailAsync(nameof(WasDeniedAsync), cancellationToken);
        return false;
    }

    private Task FailAsync(string asked, CancellationToken cancellationToken) =>
        query is null || query == asked ? fail(cancellationToken) : Task.CompletedTask;
}
