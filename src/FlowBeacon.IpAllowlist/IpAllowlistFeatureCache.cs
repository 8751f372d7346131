using System.Numerics;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Denials;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Recent results, kept beside the key they are about, so that a key used from the same address again costs no allocation. Bounded and
/// lock-free: a result is immutable and the last writer wins; what is not found is made anew.
/// </summary>
/// <remarks>
/// A key and its list are immutable, so the verdict about this very key object and this address is the one that was kept; a changed key is
/// another object. Whether the key is revoked or expired is never kept.
/// </remarks>
internal sealed class IpAllowlistFeatureCache(SourcesSeen sources)
{
    /// <summary>For a key with more than one result: four addresses, each with a result that was only asked for and one that was acted on.</summary>
    private const int FewestSlots = 8;

    /// <summary>For a key that comes from many addresses.</summary>
    private const int MostSlots = 2_048;

    private readonly IpAllowlistFeature?[] _withoutKey = new IpAllowlistFeature?[FewestSlots];

    /// <summary>The result of a request that presents no valid key.</summary>
    public IpAllowlistFeature WithoutKey(IpAllowlistOutcome outcome, object? takenUpBy)
    {
        ref IpAllowlistFeature? slot = ref SlotOf(_withoutKey, (uint)outcome, takenUpBy);
        IpAllowlistFeature? kept = Volatile.Read(ref slot);
        if (kept is null || kept.Outcome != outcome || !ReferenceEquals(kept.TakenUpBy, takenUpBy))
        {
            kept = new IpAllowlistFeature(outcome, null, default, takenUpBy, isRetiringSecret: false, source: null);
            Volatile.Write(ref slot, kept);
        }

        return kept;
    }

    /// <summary>The result of a request that presents a valid key.</summary>
    public IpAllowlistFeature Of(ApiKey key, ClientIp client, object? takenUpBy, bool isRetiringSecret)
    {
        // Most keys come from one address: their one result stands beside the key without an array, one cache miss less for a cold key.
        object? recent = key.RecentResults;
        IpAllowlistFeature? kept = recent as IpAllowlistFeature ??
            (recent is IpAllowlistFeature?[] slots ? Volatile.Read(ref SlotOf(slots, client.Address.Bits, takenUpBy)) : null);
        return kept is not null && kept.IsAbout(key, client, takenUpBy, isRetiringSecret) && kept.Source is not { IsEvicted: true }
            ? kept
            : Make(key, client, takenUpBy, isRetiringSecret);
    }

    private IpAllowlistFeature Make(ApiKey key, ClientIp client, object? takenUpBy, bool isRetiringSecret)
    {
        // Only a request that somebody acts on counts as a use of the key.
        IpAllowlistOutcome outcome = key.Judge(client);
        bool isUse = takenUpBy is not null && outcome.Passes();
        SourceCell? source = isUse ? sources.Admit(key.Id, client) : null;
        var made = new IpAllowlistFeature(outcome, key, client, takenUpBy, isRetiringSecret, source);
        if (outcome != IpAllowlistOutcome.Denied && isUse == (source is not null))
        {
            // Denials come from addresses that anybody may make up; they shall not push out the working traffic. And a use for which there
            // was no room is to be counted as soon as there is.
            Keep(key, made);
        }

        return made;
    }

    private static void Keep(ApiKey key, IpAllowlistFeature made)
    {
        // A key that was made from another by "with" begins with the other's results; each says which key it is about.
        object? recent = key.RecentResults;
        if (recent is IpAllowlistFeature?[] slots)
        {
            ref IpAllowlistFeature? slot = ref SlotOf(slots, made);
            if (IsOfAnotherAddress(Volatile.Read(ref slot), made) && slots.Length < MostSlots)
            {
                // Two addresses want one place. What else was kept is made anew when it comes again.
                key.RecentResults = WithSlots(4 * slots.Length, made);
            }
            else
            {
                Volatile.Write(ref slot, made);
            }
        }
        else if (recent is IpAllowlistFeature only && ReferenceEquals(only.Key, key) && !only.IsAbout(key, made.Client, made.TakenUpBy, made.IsRetiringSecret))
        {
            key.RecentResults = WithSlots(FewestSlots, only, made);
        }
        else
        {
            key.RecentResults = made;
        }
    }

    private static bool IsOfAnotherAddress(IpAllowlistFeature? kept, IpAllowlistFeature made) =>
        kept is not null && ReferenceEquals(kept.Key, made.Key) && kept.Client.Address != made.Client.Address;

    private static IpAllowlistFeature?[] WithSlots(int length, params ReadOnlySpan<IpAllowlistFeature> results)
    {
        var slots = new IpAllowlistFeature?[length];
        foreach (IpAllowlistFeature result in results)
        {
            SlotOf(slots, result) = result;
        }

        return slots;
    }

    private static ref IpAllowlistFeature? SlotOf(IpAllowlistFeature?[] slots, IpAllowlistFeature result) =>
        ref SlotOf(slots, result.Client.Address.Bits, result.TakenUpBy);

    /// <summary>The place of an address. The multiplier (2^64 over the golden ratio) lets every bit of it count.</summary>
    private static ref IpAllowlistFeature? SlotOf(IpAllowlistFeature?[] slots, UInt128 bits, object? takenUpBy)
    {
        ulong spread = ((ulong)bits ^ (ulong)(bits >> 64)) * 0x9E37_79B9_7F4A_7C15;
        int pair = (int)(spread >> (64 - (BitOperations.Log2((uint)slots.Length) - 1)));
        return ref slots[(pair << 1) | (takenUpBy is null ? 0 : 1)];
    }
}
