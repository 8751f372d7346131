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
    private const int Slots = 8;

    private readonly IpAllowlistFeature?[] _withoutKey = new IpAllowlistFeature?[Slots];

    public IpAllowlistFeature Get(IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy, bool isRetiringSecret)
    {
        IpAllowlistFeature?[] recent = key is null ? _withoutKey : SlotsOf(key);
        ref IpAllowlistFeature? slot = ref recent[(SpreadOf(key is null ? (uint)outcome : client.Address.Bits) << 1) | (takenUpBy is null ? 0 : 1)];
        IpAllowlistFeature? kept = Volatile.Read(ref slot);
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
            Volatile.Write(ref slot, made);
        }

        return made;
    }

    private static IpAllowlistFeature?[] SlotsOf(ApiKey key)
    {
        // A key that was made from another by "with" may share its slots; a result says which of them it is about.
        if (key.RecentResults is IpAllowlistFeature?[] slots)
        {
            return slots;
        }

        slots = new IpAllowlistFeature?[Slots];
        return (IpAllowlistFeature?[])(key.ExchangeRecentResults(slots) ?? slots);
    }

    /// <summary>0 to 3. The multiplier (2^64 over the golden ratio) lets every bit of an address count.</summary>
    private static int SpreadOf(UInt128 bits) => (int)((((ulong)bits ^ (ulong)(bits >> 64)) * 0x9E37_79B9_7F4A_7C15) >> 62);
}
