using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Remembers the parsed credential of a header text while that text is in memory. Without it a warm check takes about three times as long,
/// because of SHA-256. The result depends only on the text, so it cannot be stale: the key is still looked up by its hash.
/// </summary>
/// <remarks>
/// The texts are referenced weakly: no raw key lives longer than the request or connection that brought it. Only credentials of known keys
/// are remembered, so that invalid ones cannot evict them. Bounded and lock-free: an entry is immutable and the last writer wins.
/// </remarks>
internal sealed class CredentialMemo
{
    private const int SetBits = 11;
    private const int Sets = 1 << SetBits;

    /// <summary>Of 1,000 texts in use at once, sets of one place would leave 113 without a place, of two 31, of four 4.</summary>
    private const int Ways = 2;

    /// <summary>
    /// If its places are taken, a text replaces one of them only once in so many misses, so that too many keys do not allocate each time.
    /// </summary>
    private const int MissesPerReplacement = 64;

    /// <summary>The number of characters from which a place is computed; shorter texts are not remembered.</summary>
    private const int ShortestText = 8;

    private readonly Entry?[] _entries = new Entry?[Sets * Ways];

    [ThreadStatic]
    private static uint _misses;

    public bool TryGet(string text, out ApiKeyCredential credential)
    {
        if (text.Length >= ShortestText)
        {
            int set = SetOf(text);
            for (int place = set; place < set + Ways; place++)
            {
                if (_entries[place] is { } entry && entry.Text.TryGetTarget(out string? remembered) && AreSame(remembered, text))
                {
                    credential = entry.Credential;
                    return true;
                }
            }
        }

        credential = default;
        return false;
    }

    public void Remember(string text, ApiKeyReading reading, ApiKeyHash hash)
    {
        if (text.Length < ShortestText)
        {
            return;
        }

        int set = SetOf(text);
        int place = set;
        while (place < set + Ways && _entries[place]?.Text.TryGetTarget(out _) == true)
        {
            place++;
        }

        if (place == set + Ways)
        {
            if (++_misses % MissesPerReplacement != 0)
            {
                return;
            }

            place = set + (int)(_misses / MissesPerReplacement % Ways);
        }

        _entries[place] = new Entry(text, new ApiKeyCredential(reading, hash));
    }

    /// <summary>The first of the places of a text, from its last characters, which are random in a raw key.</summary>
    private static int SetOf(string text)
    {
        ReadOnlySpan<ulong> end = MemoryMarshal.Cast<char, ulong>(text.AsSpan(text.Length - ShortestText));
        ulong mixed = (end[0] * 0x9E37_79B9_7F4A_7C15) ^ (end[1] * 0xC2B2_AE3D_27D4_EB4F);
        return (int)(mixed >> (64 - SetBits)) * Ways;
    }

    /// <summary>
    /// Compares two texts over their whole length without an early exit, so that the time does not reveal how many characters match. The
    /// framework's constant-time comparison costs more than the hash that is saved.
    /// </summary>
    /// <remarks>Whether there is a text to compare with reveals at most the place: 11 of a raw key's 192 bits.</remarks>
    private static bool AreSame(string remembered, string text)
    {
        if (ReferenceEquals(remembered, text))
        {
            // Kestrel reuses the same instance on a kept-alive connection.
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

        // The last vector overlaps the one before it, so that no loop over the rest is needed.
        differences |= Vector128.Create(one[last..]) ^ Vector128.Create(other[last..]);
        return differences == Vector128<ushort>.Zero;
    }

    private sealed class Entry(string text, ApiKeyCredential credential)
    {
        public WeakReference<string> Text { get; } = new(text);

        public ApiKeyCredential Credential => credential;
    }
}
