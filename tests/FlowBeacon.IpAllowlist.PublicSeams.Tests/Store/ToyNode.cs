using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>
/// One host's side of a shared store: its requests are answered from memory alone, and its changes are in force here when they return.
/// Before the first load it is not ready; when the last load is too long ago it is stale, and may not say of a revoked key that it works.
/// </summary>
internal sealed class ToyNode(ToyStore store, TimeProvider time, string name) : IApiKeyStore, ISynchronousApiKeyStore, IApiKeyRepository
{
    /// <summary>How long what was loaded is good for.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(3);

    /// <summary>Another one after each start.</summary>
    private readonly string _id = Guid.NewGuid().ToString("N");

    private readonly Lock _loading = new();
    private readonly InMemoryApiKeyStore _keys = new();
    private Loaded? _loaded;

    /// <summary>The newest revision that requests see; 0 before the first load.</summary>
    public long Revision => Volatile.Read(ref _loaded)?.Revision ?? 0;

    public int Count => _keys.Count;

    /// <summary>Loads what is stored now, as a package would do many times a second. While the store is away nothing changes.</summary>
    public void Load()
    {
        lock (_loading)
        {
            try
            {
                DateTimeOffset now = time.GetUtcNow();
                (long revision, IReadOnlyList<ApiKey> keys) = store.Load();
                _keys.ReplaceAll(keys);
                Volatile.Write(ref _loaded, new Loaded(revision, now));
                store.Report(Describe());
            }
            catch (ApiKeyStoreUnavailableException)
            {
                // What was loaded before is good until its lease ends.
            }
        }
    }

    /// <summary>This host as a node of its fleet.</summary>
    public FleetNode Describe() => new()
    {
        Id = _id,
        Name = name,
        Revision = Revision,
        LastContact = time.GetUtcNow(),
        State = Volatile.Read(ref _loaded) is null ? FleetNodeState.Behind : FleetNodeState.UpToDate,
    };

    public ApiKey? Find(ApiKeyHash hash)
    {
        Loaded loaded = Volatile.Read(ref _loaded)
            ?? throw new ApiKeyStoreUnavailableException("The keys are not loaded yet.", RetryAfter);
        return time.GetUtcNow() - loaded.At <= Lease
            ? _keys.Find(hash)
            : throw new ApiKeyStoreUnavailableException($"The keys were last loaded at {loaded.At:u}.", RetryAfter);
    }

    public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new(Find(hash));

    public async ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
    {
        long revision = await store.CommitAsync(change, cancellationToken);
        Load();
        return revision;
    }

    public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => store.GetAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
        ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => store.ListAsync(query, now, cancellationToken);

    public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
        store.CountAsync(query, now, cancellationToken);

    private sealed record Loaded(long Revision, DateTimeOffset At);
}
