using System.Net;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The resolver compared with a slow one, and with arbitrary header values from clients.</summary>
public sealed class ClientIpResolverProperties
{
    private const int Iterations = 10_000;

    private static readonly Gen<SpelledAddress> TrustedAddress = AddressGen.ForwardedSpellings(
        Gen.Select(Gen.UShort, Gen.UShort, Gen.Int[0, 4], (high, low, kind) => kind switch
        {
            0 => [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201],
            1 => [0x2001, 0xdb8, 0xaaaa, high, 0, 0, 0, low],
            _ => new ushort[] { 0, 0, 0, 0, 0, 0xffff, (ushort)(0x0a00 | (high & 0xff)), low },
        }));

    private static readonly Gen<SpelledAddress> UntrustedAddress =
        AddressGen.ForwardedSpellings(AddressGen.Groups).Where(address => !ReferenceClientIp.IsTrusted(address.Address));

    private static readonly Gen<string> Junk = Gen.OneOf(
        AddressGen.ForwardedText,
        Gen.OneOf("unknown", "_x", "\"", "\u00a0", "10.0.0.1\u00a0", "10.0.0.1\n", "010.0.0.1", "10.0.0.1:99999", "10.0.0.1 10.0.0.2"),
        Gen.String[0, 10]);

    private static readonly Gen<string> Member = Gen.Frequency(
        (12, TrustedAddress.Select(address => address.Text)),
        (2, UntrustedAddress.Select(address => address.Text)),
        (1, Junk),
        (3, Gen.Const("")));

    private static readonly Gen<string[]> Lines = Gen.OneOf(
        AddressGen.ForwardedForLines(Member),
        AddressGen.ForwardedForLines(TrustedAddress.Select(address => address.Text)),
        AddressGen.ForwardedForLines(Gen.Frequency((20, Gen.Const("")), (1, Member))),
        AddressGen.ForwardedForLines(Junk));

    private static readonly Gen<IPAddress?> Peer = Gen.Frequency(
        (6, TrustedAddress.Select(address => (IPAddress?)address.Address)),
        (2, TrustedAddress.Select(address => (IPAddress?)new IPAddress(address.Address128.GetAddressBytes(), 7))),
        (2, UntrustedAddress.Select(address => (IPAddress?)address.Address)),
        (1, UntrustedAddress.Select(address => (IPAddress?)address.Address128)),
        (1, Gen.Const((IPAddress?)null)));

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst)]
    [InlineData(ClientIpSource.TrustedProxies)]
    [InlineData(ClientIpSource.PeerAddress)]
    public void Agrees_with_the_reference(ClientIpSource source) =>
        Gen.Select(Peer, Lines).Sample(
            (peer, lines) => ResolverCase.Resolve(source, peer, lines).Should().Be(ReferenceClientIp.Resolve(source, peer, lines)),
            iter: Iterations);

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst)]
    [InlineData(ClientIpSource.TrustedProxies)]
    [InlineData(ClientIpSource.PeerAddress)]
    public void The_explanation_agrees_with_what_the_check_sees(ClientIpSource source) =>
        Gen.Select(Peer, Lines).Sample(
            (peer, lines) =>
            {
                (ClientIpExplanation explanation, ClientIp seen) = ResolverCase.Explain(source, peer, lines);
                ClientIpResolution client = explanation.Client;
                IReadOnlyList<ClientIpStep> steps = explanation.Steps;

                client.Should().Be(ClientIpResolution.Of(seen));
                VerdictOf(seen, client.Address)
                    .Should().Be(client.Address is null ? IpAllowlistOutcome.Denied : IpAllowlistOutcome.Allowed);
                foreach (ClientIpStep other in steps.Where(step => step.Address is not null && !step.Address.Equals(client.Address)))
                {
                    VerdictOf(seen, other.Address).Should().Be(IpAllowlistOutcome.Denied);
                }

                // The last step is the client, and led there over trusted proxies alone.
                steps.Where(step => step.IsClient).Should().Equal(steps.TakeLast(client.Address is null ? 0 : 1));
                steps[^1].Address.Should().Be(client.Address);
                steps[^1].Hop.Should().Be(client.Hop);
                steps.SkipLast(1).All(step => step.IsTrustedProxy).Should().BeTrue();
                foreach (ClientIpStep step in steps)
                {
                    step.IsTrustedProxy.Should().Be(
                        source == ClientIpSource.TrustedProxies && step.Address is not null && ReferenceClientIp.IsTrusted(step.Address));
                }

                // What was read are the header's entries, in order and without a gap.
                string[] members = ReferenceClientIp.Members(lines);
                string[] inOrder = source == ClientIpSource.TrustedProxies ? [.. Enumerable.Reverse(members)] : members;
                ClientIpStep[] read = [.. steps.Where(step => step.Origin == ClientIpOrigin.ForwardedFor)];
                read.Select(step => step.Text).Should().Equal(inOrder.Take(read.Length).Select(member => PrintableText.Cut(member)));
                read.Select(step => step.Hop).Should().Equal(Enumerable.Range(1, read.Length).Select(hop => (int?)hop));
                explanation.Conclusion.Should().NotBeEmpty();
            },
            iter: Iterations);

    [Fact]
    public void Is_not_deceived_by_a_client_behind_honest_trusted_proxies() =>
        Gen.Select(UntrustedAddress, Lines, Gen.Select(TrustedAddress, Gen.Int[0, 3]).Array[1, 5]).Sample(
            (client, forged, proxies) =>
            {
                List<string> lines = [.. forged];
                SpelledAddress sender = client;
                foreach ((SpelledAddress proxy, int habit) in proxies)
                {
                    AppendSender(lines, sender.Text, habit);
                    sender = proxy;
                }

                ResolverCase.Resolve(ClientIpSource.TrustedProxies, sender.Address, lines).Should().Be($"ForwardedFor {client.Address}");
            },
            iter: Iterations);

    /// <summary>What the check decides about a key that allows one address alone.</summary>
    private static IpAllowlistOutcome VerdictOf(ClientIp seen, IPAddress? listed) =>
        TestKeys.Create(TestKeys.Restricted, "key", (listed ?? IPAddress.Broadcast).ToString()).Judge(seen, TimeProvider.System);

    /// <summary>What a proxy does with the header it was sent: a new line, the end of the last line, or all lines made one.</summary>
    private static void AppendSender(List<string> lines, string sender, int habit)
    {
        if (habit == 0 || lines.Count == 0)
        {
            lines.Add(sender);
        }
        else if (habit == 3)
        {
            string joined = string.Join(", ", [.. lines, sender]);
            lines.Clear();
            lines.Add(joined);
        }
        else
        {
            lines[^1] += (habit == 1 ? ", " : ",") + sender;
        }
    }
}
