namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>How a <see cref="KeyTable"/> knows what it looks for.</summary>
internal interface IKeyTableMatch
{
    bool Matches(object candidate);
}

/// <summary>
/// A compact hash table for many readers, which take no lock, and one writer at a time: open addressing over two flat arrays, about 17 bytes
/// for each object it holds, and a lookup costs one or two cache misses however many there are.
/// </summary>
/// <remarks>
/// It consists of many small parts, so that the one that grows is copied in microseconds; readers go on with the old one meanwhile. The
/// caller brings the hashes, which must be evenly spread, and says what matches.
/// </remarks>
internal sealed class KeyTable
{
    private const int PartBits = 10;
    private const uint Empty = 0;
    private const uint Removed = 1;

    private readonly Part?[] _parts = new Part?[1 << PartBits];

    public object? Find<TMatch>(ulong hash, TMatch match)
        where TMatch : struct, IKeyTableMatch =>
        Volatile.Read(ref _parts[hash >> (64 - PartBits)]) is { } part && part.Find(TagOf(hash), match, out object? found) >= 0 ? found : null;

    /// <summary>Puts an object in the place of the one that matches, or adds it.</summary>
    /// <returns>Whether it was added.</returns>
    public bool Set<TMatch>(ulong hash, TMatch match, object value)
        where TMatch : struct, IKeyTableMatch
    {
        uint tag = TagOf(hash);
        ref Part? part = ref _parts[hash >> (64 - PartBits)];
        int place = part is null ? -1 : part.Find(tag, match, out _);
        if (place >= 0)
        {
            Volatile.Write(ref part!.Values[place], value);
            return false;
        }

        if (part is null || part.IsFull)
        {
            Volatile.Write(ref part, Part.Grow(part));
        }

        part!.Add(tag, value);
        return true;
    }

    /// <summary>Removes the object that matches.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Remove<TMatch>(ulong hash, TMatch match)
        where TMatch : struct, IKeyTableMatch
    {
        Part? part = _parts[hash >> (64 - PartBits)];
        int place = part is null ? -1 : part.Find(TagOf(hash), match, out _);
        if (place < 0)
        {
            return false;
        }

        part!.Remove(place);
        return true;
    }

    private static uint TagOf(ulong hash) => Math.Max((uint)hash, Removed + 1);

    private sealed class Part(int length)
    {
        private readonly uint[] _tags = new uint[length];
        private int _used;
        private int _removed;

        public object?[] Values { get; } = new object?[length];

        /// <summary>Beyond 7 of 8 places, lookups of what is not there would become long.</summary>
        public bool IsFull => 8 * (_used + 1) > 7 * _tags.Length;

        /// <summary>A part with the same content and room to spare: at least a quarter of it.</summary>
        public static Part Grow(Part? before)
        {
            int live = before is null ? 0 : before._used - before._removed;
            var after = new Part(8 + (live * 4 / 3));
            for (int place = 0; place < before?._tags.Length; place++)
            {
                if (before._tags[place] > Removed)
                {
                    after.Add(before._tags[place], before.Values[place]!);
                }
            }

            return after;
        }

        public int Find<TMatch>(uint tag, TMatch match, out object? found)
            where TMatch : struct, IKeyTableMatch
        {
            uint[] tags = _tags;
            for (int place = StartOf(tag); ; place = Next(place))
            {
                uint present = Volatile.Read(ref tags[place]);
                if (present == Empty)
                {
                    found = null;
                    return -1;
                }

                // Null where it was removed between the two reads.
                if (present == tag && Volatile.Read(ref Values[place]) is { } candidate && match.Matches(candidate))
                {
                    found = candidate;
                    return place;
                }
            }
        }

        public void Add(uint tag, object value)
        {
            int place = StartOf(tag);
            while (_tags[place] != Empty)
            {
                place = Next(place);
            }

            // The tag comes last: whoever sees it also sees the value.
            Values[place] = value;
            Volatile.Write(ref _tags[place], tag);
            _used++;
        }

        public void Remove(int place)
        {
            Volatile.Write(ref _tags[place], Removed);
            Volatile.Write(ref Values[place], null);
            _removed++;
        }

        private int StartOf(uint tag) => (int)(((ulong)tag * (uint)_tags.Length) >> 32);

        private int Next(int place) => place + 1 == _tags.Length ? 0 : place + 1;
    }
}
