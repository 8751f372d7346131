using System.Runtime.CompilerServices;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>Five places of a <see cref="KeyTable"/>, in 64 bytes next to each other, as long as a cache line: an object each, and 32 bits of its hash as its tag.</summary>
internal struct KeyTableBucket
{
    public const int Places = 5;

    /// <summary>The tag of a place where nothing stood yet: a lookup may end there.</summary>
    public const uint Empty = 0;

    /// <summary>The tag of a place whose object was removed, in a draft: no part that readers see has any.</summary>
    public const uint Removed = 1;

    public PlaceTags Tags;
    public PlaceValues Values;

    public static uint TagOf(ulong hash) => Math.Max((uint)hash, Removed + 1);

    /// <summary>What matches among the buckets of a part, and where it stands; null, and the empty place for it, if nothing does.</summary>
    public static object? Find<TMatch>(KeyTableBucket[] part, ulong hash, TMatch match, out int bucketIndex, out int place)
        where TMatch : struct, IKeyTableMatch
    {
        uint tag = TagOf(hash);
        for (bucketIndex = StartOf(tag, part); ; bucketIndex = Next(bucketIndex, part))
        {
            ref KeyTableBucket bucket = ref part[bucketIndex];
            for (place = 0; place < Places; place++)
            {
                uint present = Volatile.Read(ref bucket.Tags[place]);
                if (present == tag)
                {
                    object candidate = Volatile.Read(ref bucket.Values[place])!;
                    if (match.Matches(candidate))
                    {
                        return candidate;
                    }
                }

                if (present == Empty)
                {
                    return null;
                }
            }
        }
    }

    /// <summary>The place for an object that a part does not hold yet.</summary>
    public static void FindEmpty(KeyTableBucket[] part, uint tag, out int bucketIndex, out int place)
    {
        bucketIndex = StartOf(tag, part);
        while ((place = ((ReadOnlySpan<uint>)part[bucketIndex].Tags).IndexOf(Empty)) < 0)
        {
            bucketIndex = Next(bucketIndex, part);
        }
    }

    public void Fill(int place, uint tag, object value)
    {
        // The tag comes last: whoever sees it also sees the value.
        Values[place] = value;
        Volatile.Write(ref Tags[place], tag);
    }

    public void Clear(int place)
    {
        Tags[place] = Removed;
        Values[place] = null;
    }

    private static int StartOf(uint tag, KeyTableBucket[] part) => (int)(((ulong)tag * (uint)part.Length) >> 32);

    private static int Next(int bucketIndex, KeyTableBucket[] part) => bucketIndex + 1 == part.Length ? 0 : bucketIndex + 1;

    [InlineArray(Places)]
    public struct PlaceTags
    {
        private uint _first;
    }

    [InlineArray(Places)]
    public struct PlaceValues
    {
        private object? _first;
    }
}
