using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>Records what the resolver reads, for an explanation.</summary>
internal sealed class ClientIpTrace
{
    private readonly List<ClientIpStep> _steps = [];

    public void Read(ReadOnlySpan<char> text, ClientIp client)
    {
        bool isPeer = client.Origin == ClientIpOrigin.Peer || client.Fault == ClientIpFault.UnknownPeer;
        _steps.Add(new ClientIpStep
        {
            Origin = isPeer ? ClientIpOrigin.Peer : ClientIpOrigin.ForwardedFor,
            Hop = isPeer ? null : client.Hop,
            Text = isPeer && client.IsKnown ? client.Address.ToString() : PrintableText.Cut(text),
            Address = client.IsKnown ? client.Address.ToIPAddress() : null,
            IsTrustedProxy = false,
            IsClient = false,
        });
    }

    /// <summary>Marks the address that was read last as a trusted proxy.</summary>
    public void Trusted() => _steps[^1] = _steps[^1] with { IsTrustedProxy = true };

    public ClientIpExplanation Explain(ClientIpSource source, ClientIp client)
    {
        if (client.IsKnown)
        {
            _steps[^1] = _steps[^1] with { IsClient = true };
        }

        return new ClientIpExplanation
        {
            Client = ClientIpResolution.Of(client),
            Source = source,
            Steps = _steps,
            Conclusion = Conclude(source, client),
        };
    }

    private string Conclude(ClientIpSource source, ClientIp client) => (client.Fault, source, client.Origin) switch
    {
        (ClientIpFault.PeerRewritten, _, _) =>
            "Something in this process, such as UseForwardedHeaders, replaced the peer address before the check, so X-Forwarded-For is not"
            + $" used. Set options.{nameof(ClientIpSource)} = {nameof(ClientIpSource)}.{nameof(ClientIpSource.PeerAddress)}.",
        (ClientIpFault.UnknownPeer, ClientIpSource.ForwardedForFirst, _) =>
            "X-Forwarded-For is missing or empty, and the connection has no peer address.",
        (ClientIpFault.UnknownPeer, _, _) => "The connection has no peer address.",
        (ClientIpFault.UnusableForwardedFor, _, _) when client.Hop > ClientIpResolver.MaxHops =>
            $"X-Forwarded-For has more than {ClientIpResolver.MaxHops} trusted hops, so no address is used.",
        (ClientIpFault.UnusableForwardedFor, _, _) =>
            $"{NameOf(source, client)} is not an address, and no other entry is used instead.",
        (_, ClientIpSource.PeerAddress, _) => "The peer of the connection is the client; X-Forwarded-For is not read.",
        (_, ClientIpSource.ForwardedForFirst, ClientIpOrigin.Peer) => "X-Forwarded-For is missing or empty, so the peer is the client.",
        (_, ClientIpSource.ForwardedForFirst, _) => $"{NameOf(source, client)} is the client.",
        (_, _, ClientIpOrigin.Peer) when _steps[^1].IsTrustedProxy =>
            "The peer is a trusted proxy, but X-Forwarded-For is missing or empty, so the peer is the client.",
        (_, _, ClientIpOrigin.Peer) => "The peer is not a trusted proxy, so it is the client, and X-Forwarded-For is not read.",
        _ when _steps[^1].IsTrustedProxy => "Every entry of X-Forwarded-For is a trusted proxy, so the first one is the client.",
        _ => $"{NameOf(source, client)} is the first that is not a trusted proxy, so it is the client.",
    };

    private static string NameOf(ClientIpSource source, ClientIp client) => source == ClientIpSource.TrustedProxies
        ? $"Entry {client.Hop} of X-Forwarded-For, counted from the right,"
        : "The first entry of X-Forwarded-For";
}
