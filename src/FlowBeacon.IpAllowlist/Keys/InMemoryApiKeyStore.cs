using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist;

/// <summary>Keys in this process's memory: the default store.</summary>
/// <remarks>
/// Lookups take no lock. A change of one key or of many becomes visible at one instant: no lookup that follows one which saw the
/// new state of any key sees the old state of another. A change costs time in proportion to the keys it names, not to the keys held.
/// </remarks>
public sealed class InMemoryApiKeyStore : IApiKeyStore
{
    // A value is the ApiKey, or a Transition while a change of several hashes is under way.
    private readonly KeyTable _byHash = new();
    private readonly KeyTable _byId = new();
    private readonly Lock _changing = new();
    private volatile int _count;

    /// <summary>The number of keys, expired and revoked ones included.</summary>
    public int Count => _count;

    /// <summary>Finds the key that a hash belongs to.</summary>
    /// <param name="hash">The hash of the presented credential.</param>
    /// <returns>The key, or null if the hash is unknown.</returns>
    public ApiKey? Find(ApiKeyHash hash) => _byHash.Find(hash.Start, new HashMatch(hash)) is { } found ? Visible(found) : null;

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
            int added = 0;
            foreach (string id in removals)
            {
                var match = new IdMatch(id);
                removed += _byId.Remove(match.Hash, match) ? 1 : 0;
            }

            foreach (ApiKey key in keys)
            {
                var match = new IdMatch(key);
                added += _byId.Set(match.Hash, match, key) ? 1 : 0;
            }

            _count += added - removed;
            return removed;
        }
    }

    private static ApiKey? Visible(object found) => found as ApiKey ?? ((Transition)found).Visible;

    /// <summary>What each hash that the change touches leads to afterwards; throws before anything is changed.</summary>
    private Dictionary<ApiKeyHash, ApiKey?> Plan(ApiKey[] set, string[] remove)
    {
        var after = new Dictionary<ApiKeyHash, ApiKey?>(set.Length);
        var ids = new HashSet<IdMatch>(set.Length + remove.Length);
        foreach (IdMatch id in remove.Select(id => new IdMatch(id)).Concat(set.Select(key => new IdMatch(key))))
        {
            if (!ids.Add(id))
            {
                throw new ArgumentException($"The key '{id}' is named twice in one change.");
            }

            if (_byId.Find(id.Hash, id) is ApiKey before)
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
                _byHash.Set(hash.Start, new HashMatch(hash), new Transition(hash, change, Find(hash), key));
            }

            change.Happened = true;
        }

        foreach ((ApiKeyHash hash, ApiKey? key) in after)
        {
            if (key is not null)
            {
                _byHash.Set(hash.Start, new HashMatch(hash), key);
            }
            else
            {
                _byHash.Remove(hash.Start, new HashMatch(hash));
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

    private sealed class Transition(ApiKeyHash hash, Change change, ApiKey? before, ApiKey? after)
    {
        public ApiKeyHash Hash => hash;

        public ApiKey? Visible => change.Happened ? after : before;
    }

    private readonly struct HashMatch(ApiKeyHash hash) : IKeyTableMatch
    {
        public bool Matches(object candidate) => candidate is ApiKey key ? key.Has(hash) : ((Transition)candidate).Hash == hash;
    }

    /// <summary>An id, by its number where it packs into one, so that no text is made of it.</summary>
    private readonly struct IdMatch : IKeyTableMatch, IEquatable<IdMatch>
    {
        private readonly UInt128 _number;
        private readonly string? _text;

        public IdMatch(string id)
        {
            ArgumentNullException.ThrowIfNull(id);
            _number = ApiKeyPacking.PackId(id);
            _text = _number == 0 ? id : null;
        }

        public IdMatch(ApiKey key)
        {
            ArgumentNullException.ThrowIfNull(key);
            _number = key.IdNumber;
            _text = _number == 0 ? key.Id : null;
        }

        /// <summary>Spread over all 64 bits, as the table wants it.</summary>
        public ulong Hash => (ulong)(uint)GetHashCode() * 0x9E37_79B9_7F4A_7C15;

        public bool Matches(object candidate) => Equals(new IdMatch((ApiKey)candidate));

        public bool Equals(IdMatch other) => _number == other._number && _text == other._text;

        public override bool Equals(object? obj) => obj is IdMatch other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(_number, _text);

        public override string ToString() => _text ?? ApiKeyPacking.UnpackId(_number);
    }
}
