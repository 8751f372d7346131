using System.Net;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>What people read about how a client address was found.</summary>
public sealed class ClientIpExplanationTests
{
    private const string Proxy = "10.0.0.1";
    private const string Client = "203.0.113.7";

    /// <summary>
    /// Source, peer and header; then what was read (T for a trusted proxy, C for the client) and the conclusion.
    /// </summary>
    public static TheoryData<ClientIpSource, string?, string?, string, string> Explanations => new()
    {
        {
            ClientIpSource.PeerAddress, Proxy, Client, "Peer 10.0.0.1 C",
            "The peer of the connection is the client; X-Forwarded-For is not read."
        },
        { ClientIpSource.PeerAddress, null, Client, "Peer none", "The connection has no peer address." },
        {
            ClientIpSource.ForwardedForFirst, Proxy, "203.0.113.7, 198.51.100.9", "1 203.0.113.7 C",
            "The first entry of X-Forwarded-For is the client."
        },
        { ClientIpSource.ForwardedForFirst, Proxy, Client, "1 203.0.113.7 C", "The first entry of X-Forwarded-For is the client." },
        {
            ClientIpSource.ForwardedForFirst, Proxy, " , ", "Peer 10.0.0.1 C",
            "X-Forwarded-For is missing or empty, so the peer is the client."
        },
        {
            ClientIpSource.ForwardedForFirst, null, null, "Peer none",
            "X-Forwarded-For is missing or empty, and the connection has no peer address."
        },
        {
            ClientIpSource.ForwardedForFirst, Proxy, "unknown, 203.0.113.7", "1 'unknown' none",
            "The first entry of X-Forwarded-For is not an address, and no other entry is used instead."
        },
        {
            ClientIpSource.TrustedProxies, Client, "198.51.100.9", "Peer 203.0.113.7 C",
            "The peer is not a trusted proxy, so it is the client, and X-Forwarded-For is not read."
        },
        {
            ClientIpSource.TrustedProxies, Proxy, null, "Peer 10.0.0.1 TC",
            "The peer is a trusted proxy, but X-Forwarded-For is missing or empty, so the peer is the client."
        },
        { ClientIpSource.TrustedProxies, null, Client, "Peer none", "The connection has no peer address." },
        {
            ClientIpSource.TrustedProxies, Proxy, "8.8.8.8, 203.0.113.7, 10.0.0.2", "Peer 10.0.0.1 T | 1 10.0.0.2 T | 2 203.0.113.7 C",
            "Entry 2 of X-Forwarded-For, counted from the right, is the first that is not a trusted proxy, so it is the client."
        },
        {
            ClientIpSource.TrustedProxies, Proxy, "10.0.0.3, 10.0.0.2", "Peer 10.0.0.1 T | 1 10.0.0.2 T | 2 10.0.0.3 TC",
            "Every entry of X-Forwarded-For is a trusted proxy, so the first one is the client."
        },
        {
            ClientIpSource.TrustedProxies, Proxy, "203.0.113.7, [::1, 10.0.0.2:80",
            "Peer 10.0.0.1 T | 1 '10.0.0.2:80' 10.0.0.2 T | 2 '[::1' none",
            "Entry 2 of X-Forwarded-For, counted from the right, is not an address, and no other entry is used instead."
        },
    };

    [Theory]
    [MemberData(nameof(Explanations))]
    public void Shows_every_address_read_and_where_reading_stopped(
        ClientIpSource source, string? peer, string? header, string steps, string conclusion)
    {
        (ClientIpExplanation explanation, _) =
            ResolverCase.Explain(source, peer is null ? null : IPAddress.Parse(peer), header is null ? [] : [header]);

        string.Join(" | ", explanation.Steps.Select(Describe)).Should().Be(steps);
        explanation.Conclusion.Should().Be(conclusion);
        explanation.Source.Should().Be(source);
    }

    [Fact]
    public void A_chain_that_is_too_long_ends_unread()
    {
        (ClientIpExplanation explanation, _) = ResolverCase.Explain(
            ClientIpSource.TrustedProxies, IPAddress.Parse(Proxy), [string.Join(',', Enumerable.Repeat(Proxy, 30))]);

        explanation.Client.Should().BeEquivalentTo(
            new { Address = (IPAddress?)null, Fault = ClientIpFault.UnusableForwardedFor, Hop = 21 });
        explanation.Steps.Should().HaveCount(22);
        Describe(explanation.Steps[^1]).Should().Be("21 '10.0.0.1' none");
        explanation.Conclusion.Should().Be("X-Forwarded-For has more than 20 trusted hops, so no address is used.");
    }

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst)]
    [InlineData(ClientIpSource.TrustedProxies)]
    public void If_the_peer_was_replaced_no_address_is_used_and_the_remedy_is_named(ClientIpSource source)
    {
        (ClientIpExplanation explanation, _) = ResolverCase.Explain(source, IPAddress.Parse(Proxy), [Client], hasOriginalFor: true);

        explanation.Steps.Should().BeEmpty();
        explanation.Client.Fault.Should().Be(ClientIpFault.PeerRewritten);
        explanation.Conclusion.Should().Contain("UseForwardedHeaders").And.EndWith("ClientIpSource = ClientIpSource.PeerAddress.");
    }

    [Fact]
    public void Client_text_is_bounded_and_escaped_and_shows_no_raw_key()
    {
        Text(TestKeys.Unrestricted).Should().Be("fb_live_2222...");
        Text("<b>\u00e9'" + new string('x', 100)).Should().StartWith("<b>\\u00e9\\u0027xxx").And.EndWith("...").And.HaveLength(64 + 10 + 3);

        static string Text(string entry) =>
            ResolverCase.Explain(ClientIpSource.ForwardedForFirst, null, [entry]).Explanation.Steps.Single().Text;
    }

    private static string Describe(ClientIpStep step)
    {
        string address = step.Address?.ToString() ?? "none";
        string place = step.Origin == ClientIpOrigin.Peer ? "Peer" : $"{step.Hop}";
        string text = step.Text == address || step.Text.Length == 0 ? "" : $" '{step.Text}'";
        string flags = $"{(step.IsTrustedProxy ? "T" : "")}{(step.IsClient ? "C" : "")}";
        return $"{place}{text} {address} {flags}".TrimEnd(' ');
    }
}
