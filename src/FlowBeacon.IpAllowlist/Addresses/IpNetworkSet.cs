namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Strictly read single addresses and CIDR networks. For a few, such as a host's proxies.</summary>
internal sealed class IpNetworkSet
{
    private readonly IpNetwork[] _networks;

    private IpNetworkSet(IpNetwork[] networks) => _networks = networks;

    /// <summary>Reads a list of texts; each fault contains the list, the index, the value and the remedy.</summary>
    public static IpNetworkSet Parse(IEnumerable<string?> texts, string listName, out IReadOnlyList<string> faults)
    {
        var networks = new List<IpNetwork>();
        var found = new List<string>();
        int index = 0;
        foreach (string? text in texts)
        {
            if (IpNetworkParser.ParseProxies(text, out IpNetwork network) is { } fault)
            {
                found.Add($"{listName}:{index}: {fault}");
            }
            else
            {
                networks.Add(network);
            }

            index++;
        }

        faults = found;
        return new IpNetworkSet([.. networks]);
    }

    public bool Contains(IpAddressValue address)
    {
        foreach (IpNetwork network in _networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
