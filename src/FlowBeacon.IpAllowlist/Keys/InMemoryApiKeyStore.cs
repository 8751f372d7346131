using System.Collections.Concurrent;

namespace FlowBeacon.IpAllowlist;

/// <summary>Keys in this process's memory: the default store.</summary>
/// <remarks>
/// Lookups take no lock. A change of a key is atomic: a lookup finds the old key or the new one, and when the call that makes the change
/// returns, every later lookup sees it. A change of several keys is not atomic as a whole.
/// </remarks>
public sealed class InMemoryApiKeyStore : IApiKeyStore, ISynchronousApiKeyStore
{
    private readonly IEqualityComparer<ApiKeyHash> _hashes;
    private readonly IEqualityComparer<string> _ids;
    private readonly Lock _changing = new();
    private volatile Tables _tables;

    /// <summary>Creates a store without keys.</summary>
    public InMemoryApiKeyStore()
        : this(EqualityComparer<ApiKeyHash>.Default, StringComparer.Ordinal)
    {
    }

    /// <summary>Creates a store with comparers of its own, which tests let fail.</summary>
    internal InMemoryApiKeyStore(IEqualityComparer<ApiKeyHash> hashes, IEqualityComparer<string> ids)
    {
        _hashes = hashes;
        _ids = ids;
        _tables = new Tables(hashes, ids, capacity: 0);
    }

    /// <summary>Raised when all keys were replaced, so that cached data of the old ones can be dropped.</summary>
    internal event Action? AllReplaced;

    /// <inheritdoc/>
    public int Count => _tables.ById.Count;

    /// <inheritdoc/>
    public ApiKey? Find(ApiKeyHash hash) => _tables.ByHash.GetValueOrDefault(hash);

    /// <summary>Finds a key by its id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The key, or null if the id is unknown.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    public ApiKey? FindById(string id) => _tables.ById.GetValueOrDefault(id);

    /// <inheritdoc/>
    public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new(Find(hash));

    /// <summary>All keys, expired, disabled and revoked ones included; each once, in no order. A copy, made at each call.</summary>
    public IReadOnlyCollection<ApiKey> Keys => [.. _tables.ById.Values];

    /// <summary>Adds a key, or replaces the key with the same id.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    /// <exception cref="ApiKeyConflictException">The key's hash belongs to a key with another id. Nothing is changed.</exception>
    public void Set(ApiKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Apply([key], []);
    }

    /// <summary>Removes a key.</summary>
    /// <param name="id">The key's id.</param>
    /// <returns>Whether there was such a key.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    public bool Remove(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Apply([], [id]) > 0;
    }

    /// <summary>Changes many keys: all of them, or none if something is refused.</summary>
    /// <param name="set">Keys to add, or to replace by id.</param>
    /// <param name="remove">Ids of keys to remove; unknown ids are ignored.</param>
    /// <returns>The number of keys removed.</returns>
    /// <exception cref="ArgumentNullException">A list or a member of one is null. Nothing is changed.</exception>
    /// <exception cref="ArgumentException">An id occurs twice. Nothing is changed.</exception>
    /// <exception cref="ApiKeyConflictException">A hash would belong to two keys. Nothing is changed.</exception>
    public int Apply(IReadOnlyCollection<ApiKey> set, IReadOnlyCollection<string> remove)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(remove);

        // Copies, so that the checked lists are the ones that are applied.
        ApiKey[] keys = [.. set];
        string[] removals = [.. remove];
        HashSet<string> named = Named(keys, removals);
        lock (_changing)
        {
            Tables tables = _tables;
            Dictionary<ApiKeyHash, ApiKey> owners = OwnersOf(keys);
            foreach ((ApiKeyHash hash, ApiKey key) in owners)
            {
                if (tables.ByHash.TryGetValue(hash, out ApiKey? owner) && !named.Contains(owner.Id))
                {
                    throw new ApiKeyConflictException(ApiKeyConflict.HashTaken, key.Id);
                }
            }

            ApiKey[] replaced = [.. named.Select(id => tables.ById.GetValueOrDefault(id)).OfType<ApiKey>()];

            try
            {
                Write(tables, owners, replaced, keys);
            }
            catch
            {
                TakeBack(tables, owners);
                throw;
            }

            return removals.Count(id => tables.ById.TryRemove(id, out _));
        }
    }

    /// <summary>Replaces all keys by others.</summary>
    /// <param name="keys">All the new keys.</param>
    /// <exception cref="ArgumentNullException">The list or a member of it is null. Nothing is changed.</exception>
    /// <exception cref="ArgumentException">An id occurs twice. Nothing is changed.</exception>
    /// <exception cref="ApiKeyConflictException">A hash would belong to two keys. Nothing is changed.</exception>
    public void ReplaceAll(IReadOnlyCollection<ApiKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ApiKey[] all = [.. keys];
        Named(all, []);
        Dictionary<ApiKeyHash, ApiKey> owners = OwnersOf(all);
        lock (_changing)
        {
            var tables = new Tables(_hashes, _ids, all.Length);
            foreach (ApiKey key in all)
            {
                tables.ById[key.Id] = key;
            }

            foreach ((ApiKeyHash hash, ApiKey key) in owners)
            {
                tables.ByHash[hash] = key;
            }

            _tables = tables;
        }

        AllReplaced?.Invoke();
    }

    /// <summary>
    /// Writes a change. Restrictions come first, so that a failure midway cannot admit a removed secret: kept and moved keys are
    /// overwritten (revocations are then in force), removed ones are deleted, and only then are new ones added.
    /// </summary>
    private static void Write(Tables tables, Dictionary<ApiKeyHash, ApiKey> owners, ApiKey[] replaced, ApiKey[] keys)
    {
        ApiKeyHash[] hashesBefore = [.. replaced.SelectMany(key => key.Hashes)];
        foreach (ApiKeyHash hash in hashesBefore)
        {
            if (owners.TryGetValue(hash, out ApiKey? owner))
            {
                tables.ByHash[hash] = owner;
            }
        }

        foreach (ApiKeyHash hash in hashesBefore)
        {
            if (!owners.ContainsKey(hash))
            {
                tables.ByHash.TryRemove(hash, out _);
            }
        }

        foreach ((ApiKeyHash hash, ApiKey key) in owners)
        {
            tables.ByHash[hash] = key;
        }

        foreach (ApiKey key in keys)
        {
            tables.ById[key.Id] = key;
        }
    }

    /// <summary>
    /// After a failure: removes the hashes of keys that are not in the index by id, because no later change would find them.
    /// </summary>
    private static void TakeBack(Tables tables, Dictionary<ApiKeyHash, ApiKey> owners)
    {
        foreach ((ApiKeyHash hash, ApiKey key) in owners)
        {
            if (!tables.ById.TryGetValue(key.Id, out ApiKey? indexed) || !indexed.Has(hash))
            {
                tables.ByHash.TryRemove(hash, out _);
            }
        }
    }

    /// <summary>The ids in a change, each once.</summary>
    private static HashSet<string> Named(ApiKey[] keys, string[] removals)
    {
        var named = new HashSet<string>(keys.Length + removals.Length, StringComparer.Ordinal);
        foreach (string id in keys.Select(IdOf).Concat(removals))
        {
            ArgumentNullException.ThrowIfNull(id);
            if (!named.Add(id))
            {
                throw new ArgumentException($"The change contains the key '{id}' twice.");
            }
        }

        return named;
    }

    private static string IdOf(ApiKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Id;
    }

    /// <summary>The key of each hash after the change.</summary>
    private static Dictionary<ApiKeyHash, ApiKey> OwnersOf(ApiKey[] keys)
    {
        var owners = new Dictionary<ApiKeyHash, ApiKey>(keys.Length);
        foreach (ApiKey key in keys)
        {
            foreach (ApiKeyHash hash in key.Hashes)
            {
                if (!owners.TryAdd(hash, key))
                {
                    throw new ApiKeyConflictException(ApiKeyConflict.HashTaken, key.Id);
                }
            }
        }

        return owners;
    }

    /// <summary>The keys by hash and by id. Exchanged as a whole when all keys are replaced.</summary>
    private sealed class Tables(IEqualityComparer<ApiKeyHash> hashes, IEqualityComparer<string> ids, int capacity)
    {
        public ConcurrentDictionary<ApiKeyHash, ApiKey> ByHash { get; } = new(Environment.ProcessorCount, capacity, hashes);

        public ConcurrentDictionary<string, ApiKey> ById { get; } = new(Environment.ProcessorCount, capacity, ids);
    }
}
