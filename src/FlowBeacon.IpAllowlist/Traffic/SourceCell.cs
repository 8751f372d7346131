using System.Numerics;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>One address that used one key, or its uses without a usable address.</summary>
/// <remarks>
/// Written from the request path without a lock, and rarely: the time at most once a second; the count exactly up to
/// <see cref="ExactUpTo"/>, above that by random sampling, accurate to a few per cent. So shared writes do not grow with the number of
/// requests.
/// </remarks>
internal sealed class SourceCell(ClientIp client, uint now)
{
    public const int ExactUpTo = 256;

    [ThreadStatic]
    private static uint _random;

    private long _count;
    private uint _lastSeen = now;
    private volatile bool _isEvicted;
    private long _takenCount;
    private uint _takenLastSeen;

    public ClientIp Client => client;

    public IpAddressValue Address => client.Address;

    public uint FirstSeen { get; } = now;

    public uint LastSeen => Volatile.Read(ref _lastSeen);

    public long Count => Volatile.Read(ref _count);

    /// <summary>Whether it was evicted; a caller that still has it must get a new one.</summary>
    public bool IsEvicted => _isEvicted;

    /// <summary>Whether it was seen since it was last taken.</summary>
    public bool HasChanges => Count != Volatile.Read(ref _takenCount) || LastSeen != Volatile.Read(ref _takenLastSeen);

    public void Evict() => _isEvicted = true;

    /// <summary>The increment since the last call; null if there is none.</summary>
    public SourceSeen? TakeChanges()
    {
        if (!HasChanges)
        {
            return null;
        }

        SourceSeen seen = ToSourceSeen();
        long added = seen.Count - _takenCount;
        Volatile.Write(ref _takenCount, seen.Count);
        Volatile.Write(ref _takenLastSeen, (uint)seen.LastSeen.ToUnixTimeSeconds());
        return seen with { Count = added };
    }

    public void Seen(uint at)
    {
        if (Volatile.Read(ref _lastSeen) != at)
        {
            Volatile.Write(ref _lastSeen, at);
        }

        // A step of 2^n is added once in 2^n times, so that the average is the number of uses.
        long count = Volatile.Read(ref _count);
        uint step = count < ExactUpTo ? 1 : 1u << (BitOperations.Log2((ulong)count) - BitOperations.Log2(ExactUpTo) + 1);
        if (step == 1 || (NextRandom() & (step - 1)) == 0)
        {
            Interlocked.Add(ref _count, step);
        }
    }

    public SourceSeen ToSourceSeen() => new()
    {
        ClientIp = client.IsKnown ? client.Address.ToString() : null,
        ClientIpOrigin = client.Origin,
        FirstSeen = CoarseClock.ToInstant(FirstSeen),
        LastSeen = CoarseClock.ToInstant(LastSeen),
        Count = Count,
    };

    /// <summary>Xorshift (G. Marsaglia, 2003): good enough for sampling, and takes about a nanosecond.</summary>
    private static uint NextRandom()
    {
        uint random = _random == 0 ? (uint)Environment.CurrentManagedThreadId * 2_654_435_761 : _random;
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return _random = random;
    }
}
