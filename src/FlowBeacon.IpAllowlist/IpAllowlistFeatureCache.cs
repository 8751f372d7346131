using System.Numerics;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Denials;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Recent results, kept beside the key they are about, so that a key used from the same address again costs no allocation. Bounded and
/// lock-free: a slot holds one immutable result and the last writer wins; what is not found is made anew, so a verdict never depends on this.
/// </summary>
internal sealed class IpAllowlistFeatureCache(SourcesSeen sources)
{
    /// <summary>For each key: four addresses, each with a result that was only asked for and one that was acted on.</summary>
    private const int FewestSlots = 8;

    /// <summary>For a key that comes from many addresses.</summary>
    private const int MostSlots = 2_048;

    private readonly IpAllowlistFeature?[] _withoutKey = new IpAllowlistFeature?[FewestSlots];

    public IpAllowlistFeature Get(IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy, bool isRetiringSecret)
    {
        IpAllowlistFeature?[] recent = key is null ? _withoutKey : SlotsOf(key);
        UInt128 bits = key is null ? (uint)outcome : client.Address.Bits;
        IpAllowlistFeature? kept = Volatile.Read(ref SlotOf(recent, bits, takenUpBy));
        if (kept is not null && kept.Says(outcome, key, client, takenUpBy, isRetiringSecret) && kept.Source is not { IsEvicted: true })
        {
            return kept;
        }

        // Only a request that somebody acts on counts as a use of the key.
        bool isUse = key is not null && takenUpBy is not null && outcome.Passes();
        SourceCell? source = isUse ? sources.Admit(key!.Id, client) : null;
        var made = new IpAllowlistFeature(outcome, key, client, takenUpBy, isRetiringSecret, source);
        if (outcome != IpAllowlistOutcome.Denied && isUse == (source is not null))
        {
            // Denials come from addresses that anybody may make up; they shall not push out the working traffic. And a use for which there
            // was no room is to be counted as soon as there is.
            if (key is not null && kept is not null && ReferenceEquals(kept.Key, key) && kept.Client.Address != client.Address && recent.Length < MostSlots)
            {
                // Two addresses want one place. What else was kept is made anew when it comes again.
                key.RecentResults = recent = new IpAllowlistFeature?[4 * recent.Length];
            }

            Volatile.Write(ref SlotOf(recent, bits, takenUpBy), made);
        }

        return made;
    }

    private static IpAllowlistFeature?[] SlotsOf(ApiKey key)
    {
        // A key that was made from another by "with" may share its slots; a result says which of them it is about.
        if (key.RecentResults is not IpAllowlistFeature?[] slots)
        {
            key.RecentResults = slots = new IpAllowlistFeature?[FewestSlots];
        }

        return slots;
    }

    /// <summary>The place of an address. The multiplier (2^64 over the golden ratio) lets every bit of it count.</summary>
    private static ref IpAllowlistFeature? SlotOf(IpAllowlistFeature?[] slots, UInt128 bits, object? takenUpBy)
    {
        ulong spread = ((ulong)bits ^ (ulong)(bits >> 64)) * 0x9E37_79B9_7F4A_7C15;
        int pair = (int)(spread >> (64 - (BitOperations.Log2((uint)slots.Length) - 1)));
        return ref slots[(pair << 1) | (takenUpBy is null ? 0 : 1)];
    }
}
