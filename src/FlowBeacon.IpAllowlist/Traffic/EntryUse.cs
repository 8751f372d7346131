using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>When the entries of a list were last used.</summary>
internal static class EntryUse
{
    /// <summary>For each entry of the list, in its order, when an address in it was last seen; null if none was.</summary>
    public static IReadOnlyList<DateTimeOffset?> LastSeen(IpAddressSet list, ApiKeySources seen)
    {
        (IpAddressValue Address, DateTimeOffset LastSeen)[] sources = AddressesOf(seen.Sources);
        return
        [
            .. list.Members.Select(entry => sources
                .Where(source => entry.Network.Contains(source.Address))
                .Max(source => (DateTimeOffset?)source.LastSeen)),
        ];
    }

    /// <summary>The sources that are addresses, read once for all entries.</summary>
    public static (IpAddressValue Address, DateTimeOffset LastSeen)[] AddressesOf(IReadOnlyList<SourceSeen> sources) =>
    [
        .. from source in sources
           let address = IpAddressParser.TryParse(source.ClientIp, out IpAddressValue read) ? read : (IpAddressValue?)null
           where address is not null
           select (address.Value, source.LastSeen),
    ];
}
