using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist;

/// <summary>Keys in this process's memory: the default store.</summary>
/// <remarks>
/// Lookups take no lock. A change of one key or of many becomes visible at one instant: no lookup that follows one which saw the
/// new state of any key sees the old state of another. A change costs time in proportion to the keys it names, not to the keys held: a single
/// key that is new or keeps its one hash is written in place; otherwise the small parts of the tables that are touched are copied.
/// </remarks>
public sealed class InMemoryApiKeyStore : IApiKeyStore
{
    private readonly KeyTable _byHash = new();
    private readonly KeyTable _byId = new();
    private readonly Lock _changing = new();
    private volatile int _count;

    /// <summary>The number of keys, expired and revoked ones included.</summary>
    public int Count => _count;

    /// <summary>Finds the key that a hash belongs to.</summary>
    /// <param name="hash">The hash of the presented credential.</param>
    /// <returns>The key, or null if the hash is unknown.</returns>
    public ApiKey? Find(ApiKeyHash hash) => (ApiKey?)_byHash.Find(hash.Start, new HashMatch(hash));

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
            if (keys.Length == 1 && removals.Length == 0 && TrySetInPlace(keys[0]))
            {
                return 0;
            }

            var named = new HashSet<IdMatch>(keys.Length + removals.Length);
            KeyTableChange byId = _byId.BeginChange();
            KeyTableChange byHash = _byHash.BeginChange();

            // First what goes: a hash may move from one key to another in one change.
            int removed = 0;
            foreach (string id in removals)
            {
                var match = new IdMatch(id);
                Name(match, named);
                if (byId.Remove(match.Hash, match) is ApiKey before)
                {
                    RemoveHashes(before, byHash);
                    removed++;
                }
            }

            int added = 0;
            foreach (ApiKey key in keys)
            {
                var match = new IdMatch(key);
                Name(match, named);
                if (byId.Set(match.Hash, match, key) is ApiKey before)
                {
                    RemoveHashes(before, byHash);
                }
                else
                {
                    added++;
                }
            }

            foreach (ApiKey key in keys)
            {
                AddHashes(key, byHash);
            }

            // Until here nothing was changed. What lookups see comes first: should memory run out in between, no replaced secret goes on working.
            byHash.Publish();
            byId.Publish();
            _count += added - removed;
            return removed;
        }
    }

    /// <summary>Makes a change of one entry, which copies nothing: a new key, or one that keeps its one hash.</summary>
    private bool TrySetInPlace(ApiKey key)
    {
        var id = new IdMatch(key);
        var hash = new HashMatch(key.Hash);
        var before = (ApiKey?)_byId.Find(id.Hash, id);
        if (key.Retiring is not null || before?.Retiring is not null || !ReferenceEquals(before, Find(key.Hash)))
        {
            return false;
        }

        _byHash.Set(key.Hash.Start, hash, key);
        _byId.Set(id.Hash, id, key);
        _count += before is null ? 1 : 0;
        return true;
    }

    private static void RemoveHashes(ApiKey key, KeyTableChange byHash)
    {
        foreach (ApiKeyHash hash in key.Hashes)
        {
            byHash.Remove(hash.Start, new HashMatch(hash));
        }
    }

    private static void AddHashes(ApiKey key, KeyTableChange byHash)
    {
        foreach (ApiKeyHash hash in key.Hashes)
        {
            var match = new HashMatch(hash);

            // The key itself stands there if its two hashes are one, which is refused, or if they only look alike to the table.
            if (byHash.Set(hash.Start, match, key) is ApiKey owner && (!ReferenceEquals(owner, key) || key.Retiring?.Hash == key.Hash))
            {
                throw new ArgumentException($"The keys '{owner.Id}' and '{key.Id}' have the same hash.");
            }
        }
    }

    private static void Name(IdMatch id, HashSet<IdMatch> named)
    {
        if (!named.Add(id))
        {
            throw new ArgumentException($"The key '{id}' is named twice in one change.");
        }
    }

    private readonly struct HashMatch(ApiKeyHash hash) : IKeyTableMatch
    {
        public bool Matches(object candidate) => ((ApiKey)candidate).Has(hash);
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
