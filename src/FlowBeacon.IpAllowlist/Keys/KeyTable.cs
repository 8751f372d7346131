namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>How a <see cref="KeyTable"/> knows what it looks for.</summary>
internal interface IKeyTableMatch
{
    bool Matches(object candidate);
}

/// <summary>A compact hash table for many readers, which take no lock, and one writer at a time.</summary>
/// <remarks>
/// About 15 bytes for each object it holds. A lookup costs one or two cache misses however many there are, and then those of the object. It
/// consists of many small parts: what changes many entries at one instant copies those it touches. The caller brings the hashes, which
/// must be evenly spread, and says what matches.
/// </remarks>
internal sealed class KeyTable
{
    private const int PartBits = 12;

    private KeyTableBucket[]?[] _parts = new KeyTableBucket[]?[1 << PartBits];

    public object? Find<TMatch>(ulong hash, TMatch match)
        where TMatch : struct, IKeyTableMatch
    {
        KeyTableBucket[]?[] parts = Volatile.Read(ref _parts);
        return Volatile.Read(ref parts[PartOf(hash)]) is { } part ? KeyTableBucket.Find(part, hash, match, out _, out _) : null;
    }

    /// <summary>Puts an object in the place of the one that matches, or adds it.</summary>
    public void Set<TMatch>(ulong hash, TMatch match, object value)
        where TMatch : struct, IKeyTableMatch
    {
        var draft = KeyTableDraft.InPlace(Part(PartOf(hash)));
        draft.Set(hash, match, value);
        Volatile.Write(ref _parts[PartOf(hash)], draft.Finished());
    }

    /// <summary>Begins a change of many entries. If it is not published, it never happened.</summary>
    public KeyTableChange BeginChange() => new(this);

    internal static int PartOf(ulong hash) => (int)(hash >> (64 - PartBits));

    internal KeyTableBucket[]? Part(int index) => _parts[index];

    internal void Publish(Dictionary<int, KeyTableDraft> drafts)
    {
        KeyTableBucket[]?[] parts = [.. _parts];
        foreach ((int index, KeyTableDraft draft) in drafts)
        {
            parts[index] = draft.Finished();
        }

        Volatile.Write(ref _parts, parts);
    }
}
