using System.Net;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The rules for the client address once more, slowly, on whole lists: what the resolver is measured against.</summary>
internal static class ReferenceClientIp
{
    private const int MostHops = 20;
    private const string Unusable = "UnusableForwardedFor";

    private static readonly IPNetwork[] Trusted = [.. ResolverCase.TrustedProxies.Select(IPNetwork.Parse)];

    public static string Resolve(ClientIpSource source, IPAddress? peer, string[] lines) => source switch
    {
        ClientIpSource.PeerAddress => Describe(peer),
        ClientIpSource.ForwardedForFirst => Members(lines) is [string first, ..] ? Describe(first) : Describe(peer),
        _ => Walk(peer, Members(lines)),
    };

    public static bool IsTrusted(IPAddress address) => Trusted.Any(network => network.Contains(Plain(address)));

    public static string[] Members(string[] lines) =>
        [.. string.Join(',', lines).Split(',').Select(member => member.Trim(' ', '\t')).Where(member => member.Length > 0)];

    private static string Walk(IPAddress? peer, string[] members)
    {
        if (peer is null || !IsTrusted(peer) || members.Length == 0)
        {
            return Describe(peer);
        }

        string[] hops = [.. Enumerable.Reverse(members)];
        int end = Array.FindIndex(hops, hop => Read(hop) is not { } address || !IsTrusted(address));
        int client = end < 0 ? hops.Length - 1 : end;
        return client < MostHops ? Describe(hops[client]) : Unusable;
    }

    private static IPAddress? Read(string member) =>
        ReferenceAddressParser.ReadForwarded(member) is { } hex ? new SpelledAddress(member, hex).Address : null;

    private static string Describe(string member) => Read(member) is { } address ? $"ForwardedFor {address}" : Unusable;

    private static string Describe(IPAddress? peer) => peer is null ? "UnknownPeer" : $"Peer {Plain(peer)}";

    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes());
}
