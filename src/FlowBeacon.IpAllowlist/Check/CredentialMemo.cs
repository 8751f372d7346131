using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Remembers what the text of a credential header reads as, and its hash, while that text is alive anyway: SHA-256 is by far the dearest part
/// of a check (without this memo, a warm check takes about three times as long). A pure function is remembered, so nothing can be stale: a revoked or
/// changed key is looked up by its hash as ever.
/// </summary>
/// <remarks>
/// The texts are referenced weakly: no raw key lives longer than the request or connection that brought it. Only known keys are remembered,
/// so that a spray of made-up ones finds nothing and leaves nothing. Bounded, four places for each text, lock-free: an entry is
/// immutable and the last writer wins.
/// </remarks>
internal sealed class CredentialMemo
{
    private const int Sets = 1024;
    private const int Ways = 4;

    /// <summary>How often a text may push out one that is still alive: seldom, so that more keys than there is room for cost no allocation each.</summary>
    private const int MissesPerReplacement = 64;

    /// <summary>A text must be as long as what its place is computed from.</summary>
    private const int ShortestText = 8;

    private readonly Entry?[] _entries = new Entry?[Sets * Ways];

    // Of each text 8 bits more: what is not remembered is known from these alone, without a look at four texts: about a sixth
    // of a cold check among a million keys. A wrong or outdated mark is a miss, no more.
    private readonly byte[] _marks = new byte[Sets * Ways];

    [ThreadStatic]
    private static int _misses;

    public bool TryGet(string text, out ApiKeyReading reading, out ApiKeyHash hash)
    {
        if (text.Length >= ShortestText)
        {
            int set = SetOf(text, out byte mark);
            for (int place = set; place < set + Ways; place++)
            {
                if (_marks[place] == mark && _entries[place] is { } entry
                    && entry.Text.TryGetTarget(out string? remembered) && AreSame(remembered, text))
                {
                    reading = entry.Reading;
                    hash = entry.Hash;
                    return true;
                }
            }
        }

        reading = default;
        hash = default;
        return false;
    }

    public void Remember(string text, ApiKeyReading reading, ApiKeyHash hash)
    {
        if (text.Length < ShortestText)
        {
            return;
        }

        int set = SetOf(text, out byte mark);
        int place = set;
        while (place < set + Ways && _entries[place]?.Text.TryGetTarget(out _) == true)
        {
            place++;
        }

        if (place == set + Ways)
        {
            int misses = ++_misses;
            if (misses % MissesPerReplacement != 0)
            {
                return;
            }

            place = set + (misses / MissesPerReplacement % Ways);
        }

        _entries[place] = new Entry(text, reading, hash);
        _marks[place] = mark;
    }

    /// <summary>The first of the places of a text, and its mark, told by its last characters: of a raw key these are random.</summary>
    private static int SetOf(string text, out byte mark)
    {
        ReadOnlySpan<ulong> end = MemoryMarshal.Cast<char, ulong>(text.AsSpan(text.Length - ShortestText));
        ulong mixed = (end[0] * 0x9E37_79B9_7F4A_7C15) ^ (end[1] * 0xC2B2_AE3D_27D4_EB4F);
        mark = (byte)(mixed >> 46);
        return (int)(mixed >> 54) * Ways;
    }

    /// <summary>Compares two texts over their whole length without an early exit, so that the time does not tell how much of one is right.</summary>
    /// <remarks>That there is a text to compare with tells no more than 18 of a raw key's 192 bits: its set and its mark.</remarks>
    private static bool AreSame(string remembered, string text)
    {
        if (ReferenceEquals(remembered, text))
        {
            // Kestrel hands out the same instance again on a connection that is kept alive.
            return true;
        }

        if (remembered.Length != text.Length)
        {
            return false;
        }

        ReadOnlySpan<ushort> one = MemoryMarshal.Cast<char, ushort>(remembered);
        ReadOnlySpan<ushort> other = MemoryMarshal.Cast<char, ushort>(text);
        Vector128<ushort> differences = Vector128<ushort>.Zero;
        int last = one.Length - Vector128<ushort>.Count;
        for (int start = 0; start < last; start += Vector128<ushort>.Count)
        {
            differences |= Vector128.Create(one[start..]) ^ Vector128.Create(other[start..]);
        }

        // The last vector overlaps the one before it, which spares a loop over the rest.
        differences |= Vector128.Create(one[last..]) ^ Vector128.Create(other[last..]);
        return differences == Vector128<ushort>.Zero;
    }

    private sealed class Entry(string text, ApiKeyReading reading, ApiKeyHash hash)
    {
        public WeakReference<string> Text { get; } = new(text);

        public ApiKeyReading Reading => reading;

        public ApiKeyHash Hash => hash;
    }
}
