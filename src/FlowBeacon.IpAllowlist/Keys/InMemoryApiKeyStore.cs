using System.Collections.Concurrent;

namespace FlowBeacon.IpAllowlist;

/// <summary>Keys in this process's memory: the default store.</summary>
/// <remarks>
/// Lookups take no lock. A change of one key or of many becomes visible at one instant: no lookup that follows one which saw the
/// new state of any key sees the old state of another. A change costs time in proportion to the keys it names, not to the keys held.
/// </remarks>
public sealed class InMemoryApiKeyStore : IApiKeyStore
{
    // A value is the ApiKey, or a Transition while a change of several hashes is under way.
    private readonly ConcurrentDictionary<ApiKeyHash, object> _byHash = new();
    private readonly Dictionary<string, ApiKey> _byId = new(StringComparer.Ordinal);
    private readonly Lock _changing = new();
    private volatile int _count;

    /// <summary>The number of keys, expired and revoked ones included.</summary>
    public int Count => _count;

    /// <summary>Finds the key that a hash belongs to.</summary>
    /// <param name="hash">The hash of the presented credential.</param>
    /// <returns>The key, or null if the hash is unknown.</returns>
    public ApiKey? Find(ApiKeyHash hash) => _byHash.TryGetValue(hash, out object? found) ? Visible(found) : null;

    /// <inheritdoc/>
    public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new(Find(hash));

    /// <summary>Adds a key, or replaces the key with the same id.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    /// <exception cref="ArgumentException">The key's hash belongs to a key with another id. Nothing is changed.</exception>
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

    /// <summary>Changes many keys at once: all of it becomes visible at one instant, or none of it ever does.</summary>
    /// <param name="set">Keys to add, or to replace by id.</param>
    /// <param name="remove">Ids of keys to remove; unknown ids are passed over.</param>
    /// <returns>The number of keys removed.</returns>
    /// <exception cref="ArgumentNullException">A list or a member of one is null. Nothing is changed.</exception>
    /// <exception cref="ArgumentException">
    /// An id is named twice, or a hash would belong to two keys. Nothing is changed.
    /// </exception>
    public int Apply(IReadOnlyCollection<ApiKey> set, IReadOnlyCollection<string> remove)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(remove);

        // Copies, so that what is checked is what is applied.
        ApiKey[] keys = [.. set];
        string[] removals = [.. remove];
        lock (_changing)
        {
            Publish(Plan(keys, removals));

            int removed = 0;
            foreach (string id in removals)
            {
                removed += _byId.Remove(id) ? 1 : 0;
            }

            foreach (ApiKey key in keys)
            {
                _byId[key.Id] = key;
            }

            _count = _byId.Count;
            return removed;
        }
    }

    private static ApiKey? Visible(object found) => found as ApiKey ?? ((Transition)found).Visible;

    /// <summary>What each hash that the change touches leads to afterwards; throws before anything is changed.</summary>
    private Dictionary<ApiKeyHash, ApiKey?> Plan(ApiKey[] set, string[] remove)
    {
        var after = new Dictionary<ApiKeyHash, ApiKey?>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (string id in remove.Concat(set.Select(key => key?.Id!)))
        {
            ArgumentNullException.ThrowIfNull(id);
            if (!ids.Add(id))
            {
                throw new ArgumentException($"The key '{id}' is named twice in one change.");
            }

            if (_byId.TryGetValue(id, out ApiKey? before))
            {
                foreach (ApiKeyHash hash in before.Hashes)
                {
                    after[hash] = null;
                }
            }
        }

        foreach (ApiKey key in set)
        {
            foreach (ApiKeyHash hash in key.Hashes)
            {
                ApiKey? owner = after.TryGetValue(hash, out ApiKey? planned) ? planned : Find(hash);
                if (owner is not null)
                {
                    throw new ArgumentException($"The keys '{owner.Id}' and '{key.Id}' have the same hash.");
                }

                after[hash] = key;
            }
        }

        return after;
    }

    private void Publish(Dictionary<ApiKeyHash, ApiKey?> after)
    {
        if (after.Count > 1)
        {
            // Every hash first leads to both states; Happened then switches all of them together.
            var change = new Change();
            foreach ((ApiKeyHash hash, ApiKey? key) in after)
            {
                _byHash[hash] = new Transition(change, Find(hash), key);
            }

            change.Happened = true;
        }

        foreach ((ApiKeyHash hash, ApiKey? key) in after)
        {
            if (key is not null)
            {
                _byHash[hash] = key;
            }
            else
            {
                _byHash.TryRemove(hash, out _);
            }
        }
    }

    private sealed class Change
    {
        private volatile bool _happened;

        public bool Happened
        {
            get => _happened;
            set => _happened = value;
        }
    }

    private sealed record Transition(Change Change, ApiKey? Before, ApiKey? After)
    {
        public ApiKey? Visible => Change.Happened ? After : Before;
    }
}
