using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The last use of one of the two secrets of a rotation.</summary>
/// <remarks>
/// Written from the request path without a lock, at most once a second. Of several uses within a second one is kept, so a reader may see
/// the time of one use and the address of another one a moment before.
/// </remarks>
/// <param name="keyId">The key's id.</param>
/// <param name="secret">The secret.</param>
/// <param name="graceEnd">When the grace period ends.</param>
internal sealed class SecretCell(string keyId, ApiKeyHash secret, DateTimeOffset graceEnd)
{
    private volatile SourceCell? _source;
    private uint _lastSeen;
    private uint _takenLastSeen;

    /// <summary>When the grace period ends; nothing is recorded from then on.</summary>
    public DateTimeOffset GraceEnd => graceEnd;

    public void Seen(SourceCell source, uint at)
    {
        if (Volatile.Read(ref _lastSeen) != at)
        {
            _source = source;
            Volatile.Write(ref _lastSeen, at);
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

    /// <summary>The last use; null if there was none yet.</summary>
    public SecretUse? Read() => Volatile.Read(ref _lastSeen) is > 0 and var lastSeen ? ToSecretUse(lastSeen) : null;

    private SecretUse ToSecretUse(uint lastSeen) => new()
    {
        KeyId = keyId,
        Secret = secret,
        ClientIp = _source!.Client is { IsKnown: true } client ? client.Address.ToString() : null,
        LastSeen = CoarseClock.ToInstant(lastSeen),
    };
}
