using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Denials;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Recent results, so that a key used from the same address again costs no allocation. Bounded and lock-free: a slot holds one
/// immutable result and the last writer wins; what is not found is made anew, so a verdict never depends on this cache.
/// </summary>
internal sealed class IpAllowlistFeatureCache(SourcesSeen sources)
{
    private const int Slots = 1024;

    private readonly IpAllowlistFeature?[] _recent = new IpAllowlistFeature?[Slots];

    public IpAllowlistFeature Get(IpAllowlistOutcome outcome, ApiKey? key, ClientIp client, object? takenUpBy, bool isRetiringSecret)
    {
        int hash = RuntimeHelpers.GetHashCode(key) ^ (int)outcome ^ (int)(client.Address.Bits >> 64) ^ (int)client.Address.Bits;
        ref IpAllowlistFeature? slot = ref _recent[(uint)(hash ^ (hash >> 16)) % Slots];
        IpAllowlistFeature? recent = Volatile.Read(ref slot);
        if (recent is not null && recent.Says(outcome, key, client, takenUpBy, isRetiringSecret) && recent.Source is not { IsEvicted: true })
        {
            return recent;
        }

        // Only a request that somebody acts on counts as a use of the key.
        bool isUse = key is not null && takenUpBy is not null && outcome.Passes();
        SourceCell? source = isUse ? sources.Admit(key!.Id, client) : null;
        recent = new IpAllowlistFeature(outcome, key, client, takenUpBy, isRetiringSecret, source);
        if (outcome != IpAllowlistOutcome.Denied && isUse == (source is not null))
        {
            // Denials come from addresses that anybody may make up; they shall not push out the working traffic. And a use for which there
            // was no room is to be counted as soon as there is.
            Volatile.Write(ref slot, recent);
        }

        return recent;
    }
}
