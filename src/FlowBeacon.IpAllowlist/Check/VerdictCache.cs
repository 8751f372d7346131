using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Recent verdicts of all keys, so that a key used from the same address again allocates nothing. Bounded and lock-free: a verdict is
/// immutable and the last writer wins; if none is found, it is computed.
/// </summary>
/// <remarks>
/// A key and its list are immutable, so a verdict for a key object and a client address stays valid until the entry that it is based on
/// expires; a changed key is another object. Revocation, disabling and expiry of the key are not cached. Only admitting verdicts are kept,
/// because denied addresses may be forged.
/// </remarks>
internal sealed class VerdictCache
{
    /// <summary>The most verdicts that are kept, for all keys together: about 5 MB when full.</summary>
    public const int Capacity = Sets * Ways;

    private const int SetBits = 13;
    private const int Sets = 1 << SetBits;
    private const int Ways = 4;

    /// <summary>
    /// A full set replaces one verdict in this many misses, so that a key with many addresses does not evict all others.
    /// </summary>
    private const int MissesPerReplacement = 16;

    private readonly IpAllowlistFeature?[] _verdicts = new IpAllowlistFeature?[Capacity];

    [ThreadStatic]
    private static uint _misses;

    /// <summary>The verdict about a request with a valid key: a cached or a new one.</summary>
    public IpAllowlistFeature Judge(ApiKey key, ApiKeyHash secret, ClientIp client, TimeProvider time)
    {
        int set = SetOf(secret, client);
        for (int place = set; place < set + Ways; place++)
        {
            IpAllowlistFeature? kept = Volatile.Read(ref _verdicts[place]);
            if (kept is not null && ReferenceEquals(kept.Key, key) && kept.Client == client && kept.Secret == secret
                && Expiry.IsAhead(kept.Until, time))
            {
                return kept;
            }
        }

        IpAllowlistOutcome outcome = key.Judge(client, time, out long until);
        return new IpAllowlistFeature(outcome, key, secret, client, until);
    }

    /// <summary>
    /// Caches the verdict about an admitted request, with the cell that counts its uses. It replaces an earlier one for the same key and
    /// address, or uses a free place.
    /// </summary>
    public void Keep(IpAllowlistFeature made, SourceCell source)
    {
        int set = SetOf(made.Secret, made.Client);
        int free = -1;
        for (int place = set; place < set + Ways; place++)
        {
            IpAllowlistFeature? kept = Volatile.Read(ref _verdicts[place]);
            if (kept is null)
            {
                free = place;
            }
            else if (kept.Key!.Id == made.Key!.Id && kept.Client == made.Client)
            {
                free = place;
                break;
            }
        }

        if (free < 0)
        {
            if (++_misses % MissesPerReplacement != 0)
            {
                return;
            }

            free = set + (int)(_misses / MissesPerReplacement % Ways);
        }

        Volatile.Write(ref _verdicts[free], made.With(source));
    }

    /// <summary>
    /// Drops all verdicts when all keys are replaced, so that the old keys can be freed. A request that is under way may still add one.
    /// </summary>
    public void Clear() => Array.Clear(_verdicts);

    /// <summary>
    /// The first of the places of a secret and an address. The multiplier (2^64 over the golden ratio) mixes all bits.
    /// </summary>
    private static int SetOf(ApiKeyHash secret, ClientIp client)
    {
        UInt128 bits = client.Address.Bits;
        ulong mixed = (secret.Start ^ (ulong)bits ^ (ulong)(bits >> 64)) * 0x9E37_79B9_7F4A_7C15;
        return (int)(mixed >> (64 - SetBits)) * Ways;
    }
}
