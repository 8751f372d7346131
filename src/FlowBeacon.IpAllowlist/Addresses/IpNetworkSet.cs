using System.Globalization;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Single addresses and CIDR networks, strictly read.</summary>
internal sealed class IpNetworkSet
{
    private readonly Network[] _networks;

    private IpNetworkSet(Network[] networks) => _networks = networks;

    /// <summary>Reads a list of texts; each fault names the list, the index, the value and the remedy.</summary>
    public static IpNetworkSet Parse(IEnumerable<string?> texts, string listName, out IReadOnlyList<string> faults)
    {
        var networks = new List<Network>();
        var found = new List<string>();
        int index = 0;
        foreach (string? text in texts)
        {
            if (Parse(text, out Network network) is { } fault)
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
        foreach (Network network in _networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private static string? Parse(string? text, out Network network)
    {
        network = default;
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (text is null || slash < 0)
        {
            if (!IpAddressParser.TryParse(text, out IpAddressValue single))
            {
                return IpAddressErrorMessage.For(text);
            }

            network = new Network(single, UInt128.MaxValue);
            return null;
        }

        string shown = PrintableText.Quote(text);
        string addressText = text[..slash];
        ReadOnlySpan<char> lengthText = text.AsSpan(slash + 1);
        if (!IpAddressParser.TryParse(addressText, out IpAddressValue address))
        {
            return $"{shown}: {IpAddressErrorMessage.For(addressText)}";
        }

        // An IPv4 network written in its mapped form counts its prefix over 128 bits; held in that form, both do.
        bool writtenAsIPv6 = addressText.Contains(':', StringComparison.Ordinal);
        int bits = writtenAsIPv6 ? 128 : 32;
        if (lengthText.Length is 0 or > 3 || lengthText.ContainsAnyExceptInRange('0', '9')
            || (lengthText.Length > 1 && lengthText[0] == '0')
            || !int.TryParse(lengthText, NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > bits)
        {
            return $"{shown} has no legal prefix length; write a number from 1 to {bits} after the slash";
        }

        int prefix = length + 128 - bits;
        if (length == 0 || (address.IsIPv4 && prefix <= 96))
        {
            return $"{shown} holds every address; name the networks of your proxies";
        }

        UInt128 mask = UInt128.MaxValue << (128 - prefix);
        network = new Network(address, mask);
        IpAddressValue start = new(address.Bits & mask);
        return start == address
            ? null
            : $"{shown} has host bits set; write {start}/{(address.IsIPv4 ? prefix - 96 : prefix)}, or {address} alone";
    }

    private readonly record struct Network(IpAddressValue Start, UInt128 Mask)
    {
        // The family must match: a short IPv6 prefix such as ::/8 also covers the mapped form, but means no IPv4 address.
        public bool Contains(IpAddressValue address) => (address.Bits & Mask) == Start.Bits && address.IsIPv4 == Start.IsIPv4;
    }
}
