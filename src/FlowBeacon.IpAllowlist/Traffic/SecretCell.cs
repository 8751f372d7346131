using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The last use of one of the two secrets of a rotation.</summary>
/// <remarks>
/// Written from the request path without a lock, at most once a second. Of several uses within a second one is kept, so a reader may see
/// the time of one use and the address of another one a moment before.
/// </remarks>
/// <param name="keyId">The key's id.</param>
/// <param name="secret">The secret.</param>
/// <param name="source">Where it was used from.</param>
/// <param name="at">When it was used.</param>
internal sealed class SecretCell(string keyId, ApiKeyHash secret, SourceCell source, uint at)
{
    private volatile SourceCell _source = source;
    private uint _lastSeen = at;
    private uint _takenLastSeen;
    private long _graceEnd;

    /// <summary>When the last grace period of the secret ends, in seconds since 1970; nothing is recorded from then on.</summary>
    public long GraceEnd => Volatile.Read(ref _graceEnd);

    /// <summary>Makes the cell last until the end of a grace period. The caller holds the lock of <see cref="SecretsSeen"/>.</summary>
    public void KeepUntil(long graceEnd) => Volatile.Write(ref _graceEnd, Math.Max(_graceEnd, graceEnd));

    public void Seen(SourceCell source, uint at)
    {
        if (Volatile.Read(ref _lastSeen) != at)
        {
            _source = source;
            Volatile.Write(ref _lastSeen, at);
        }
    }

    /// <summary>Notes a use that is found later than it happened, unless a later one is known.</summary>
    public void SeenEarlier(SourceCell source, uint at)
    {
        uint known = Volatile.Read(ref _lastSeen);
        if (known < at && Interlocked.CompareExchange(ref _lastSeen, at, known) == known)
        {
            _source = source;
        }
    }

    /// <summary>The last use, if it was not taken before; null if it was.</summary>
    public SecretUse? TakeChange()
    {
        uint lastSeen = Volatile.Read(ref _lastSeen);
        if (lastSeen == _takenLastSeen)
        {
            return null;
        }

        _takenLastSeen = lastSeen;
        return ToSecretUse(lastSeen);
    }

    /// <summary>The last use.</summary>
    public SecretUse Read() => ToSecretUse(Volatile.Read(ref _lastSeen));

    private SecretUse ToSecretUse(uint lastSeen) => new()
    {
        KeyId = keyId,
        Secret = secret,
        ClientIp = _source.Client is { IsKnown: true } client ? client.Address.ToString() : null,
        LastSeen = CoarseClock.ToInstant(lastSeen),
    };
}
