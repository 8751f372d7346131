namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>A part of a <see cref="KeyTable"/> in the writer's hands.</summary>
internal sealed class KeyTableDraft
{
    private KeyTableBucket[] _buckets;
    private int _live;
    private int _removed;

    private KeyTableDraft(KeyTableBucket[] buckets)
    {
        _buckets = buckets;
        foreach (ref readonly KeyTableBucket bucket in buckets.AsSpan())
        {
            _live += KeyTableBucket.Places - ((ReadOnlySpan<uint>)bucket.Tags).Count(KeyTableBucket.Empty);
        }
    }

    /// <summary>A draft that readers do not see.</summary>
    public static KeyTableDraft Copy(KeyTableBucket[]? part) => new(part is null ? new KeyTableBucket[1] : [.. part]);

    /// <summary>A draft that writes where readers read: to set objects with, never to remove any.</summary>
    public static KeyTableDraft InPlace(KeyTableBucket[]? part) => new(part ?? new KeyTableBucket[1]);

    public object? Set<TMatch>(ulong hash, TMatch match, object value)
        where TMatch : struct, IKeyTableMatch
    {
        if (KeyTableBucket.Find(_buckets, hash, match, out int bucket, out int place) is { } before)
        {
            Volatile.Write(ref _buckets[bucket].Values[place], value);
            return before;
        }

        if (!HasRoomFor(_live + _removed + 1, _buckets.Length))
        {
            Rebuild(_live + (_live / 10) + 1);
            KeyTableBucket.FindEmpty(_buckets, KeyTableBucket.TagOf(hash), out bucket, out place);
        }

        _buckets[bucket].Fill(place, KeyTableBucket.TagOf(hash), value);
        _live++;
        return null;
    }

    public object? Remove<TMatch>(ulong hash, TMatch match)
        where TMatch : struct, IKeyTableMatch
    {
        if (KeyTableBucket.Find(_buckets, hash, match, out int bucket, out int place) is not { } before)
        {
            return null;
        }

        _buckets[bucket].Clear(place);
        _live--;
        _removed++;
        return before;
    }

    /// <summary>The part as readers want it, without removed places in the way of a lookup.</summary>
    public KeyTableBucket[] Finished()
    {
        if (_removed > 0)
        {
            Rebuild(_live);
        }

        return _buckets;
    }

    /// <summary>Beyond 9 of 10 places, lookups of what is not there would become long.</summary>
    private static bool HasRoomFor(int objects, int buckets) => 10 * objects <= 9 * KeyTableBucket.Places * buckets;

    private void Rebuild(int objects)
    {
        int length = Math.Max(1, 10 * objects / (9 * KeyTableBucket.Places));
        var rebuilt = new KeyTableBucket[HasRoomFor(objects, length) ? length : length + 1];
        foreach (ref readonly KeyTableBucket bucket in _buckets.AsSpan())
        {
            for (int place = 0; place < KeyTableBucket.Places; place++)
            {
                if (bucket.Tags[place] is > KeyTableBucket.Removed and uint tag)
                {
                    KeyTableBucket.FindEmpty(rebuilt, tag, out int to, out int toPlace);
                    rebuilt[to].Fill(toPlace, tag, bucket.Values[place]!);
                }
            }
        }

        _buckets = rebuilt;
        _removed = 0;
    }
}
