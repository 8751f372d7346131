using System.Net;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>The client address of a request, for each of the three sources.</summary>
public sealed class ClientIpResolverTests
{
    private const string Proxy = "10.0.0.1";
    private const string Stranger = "198.51.100.9";
    private const string Unusable = "UnusableForwardedFor";

    /// <summary>Header lines and the address of the first entry.</summary>
    public static TheoryData<string[], string> FirstEntries { get; } = new()
    {
        { ["203.0.113.7"], "203.0.113.7" },
        { ["203.0.113.7, 10.0.0.1"], "203.0.113.7" },
        { ["203.0.113.7,10.0.0.1"], "203.0.113.7" },
        { ["203.0.113.7, junk"], "203.0.113.7" },
        { ["203.0.113.7 \t , 10.0.0.1"], "203.0.113.7" },
        { [" \t203.0.113.7\t "], "203.0.113.7" },
        { ["2001:DB8::7"], "2001:db8::7" },
        { ["[2001:db8::7]"], "2001:db8::7" },
        { ["[2001:db8::7]:443, 10.0.0.1"], "2001:db8::7" },
        { ["203.0.113.7:443"], "203.0.113.7" },
        { ["::ffff:203.0.113.7"], "203.0.113.7" },
        { ["::ffff:cb00:7107"], "203.0.113.7" },
        { ["[::ffff:203.0.113.7]:443"], "203.0.113.7" },
        { ["64:ff9b::203.0.113.7"], "64:ff9b::cb00:7107" },
        { ["0.0.0.0"], "0.0.0.0" },
        { ["::"], "::" },
        { [", 203.0.113.7"], "203.0.113.7" },
        { [",,\t, ,203.0.113.7,"], "203.0.113.7" },
        { ["203.0.113.7", "198.51.100.1"], "203.0.113.7" },
        { ["", "203.0.113.7", "198.51.100.1"], "203.0.113.7" },
        { [" ", ",", " , \t", "203.0.113.7"], "203.0.113.7" },
    };

    /// <summary>First entries without a readable address, followed by valid ones.</summary>
    public static TheoryData<string[]> UnusableFirstEntries { get; } = new(
        ["unknown"],
        ["unknown, 203.0.113.7"],
        ["unknown", "203.0.113.7"],
        [", unknown, 203.0.113.7"],
        ["", "_hidden", "203.0.113.7"],
        ["\"203.0.113.7\", 203.0.113.7"],
        ["1, 203.0.113.7"],
        ["127.1, 203.0.113.7"],
        ["0x7f.0.0.1, 203.0.113.7"],
        ["010.0.0.1, 203.0.113.7"],
        ["::ffff:1.2.3.010, 203.0.113.7"],
        ["fe80::1%eth0, 203.0.113.7"],
        ["203.0.113.7/32, 203.0.113.7"],
        ["203.0.113.*, 203.0.113.7"],
        ["localhost, 203.0.113.7"],
        ["203.0.113.7:, 203.0.113.7"],
        ["203.0.113.7:65536, 203.0.113.7"],
        ["[::1]:99999999, 203.0.113.7"],
        ["[203.0.113.7], 203.0.113.7"],
        ["203.0.113.7 198.51.100.1"],
        ["203.0.113.7; 198.51.100.1"],
        ["for=203.0.113.7, 203.0.113.7"],
        ["\u0662\u0660\u0663.0.113.7, 203.0.113.7"],
        ["203.0.113.7\u00a0"],
        ["\u00a0"],
        ["\u3000203.0.113.7"],
        ["203.0.113.7\r"],
        ["\n203.0.113.7"],
        ["203.0.113.7\v"],
        ["\f, 203.0.113.7"],
        ["\0, 203.0.113.7"]);

    public static TheoryData<string[]> BlankHeaders { get; } = new(
        [""], [" "], ["\t"], [","], [",,,"], [" , \t,"], ["", ""], ["", " ", ",", "\t,\t"]);

    /// <summary>Header lines behind the trusted peer, and the outcome of the walk from the right.</summary>
    public static TheoryData<string[], string> TrustedWalks { get; } = new()
    {
        { ["203.0.113.7"], "ForwardedFor 203.0.113.7" },
        { ["203.0.113.7, 10.0.0.2"], "ForwardedFor 203.0.113.7" },
        { ["203.0.113.7, 10.0.0.2, 192.0.2.1, 2001:db8:aaaa::1"], "ForwardedFor 203.0.113.7" },
        { ["1.1.1.1, 203.0.113.7"], "ForwardedFor 203.0.113.7" },
        { ["10.0.0.9, 203.0.113.7, 10.0.0.2"], "ForwardedFor 203.0.113.7" },
        { ["203.0.113.7", "10.0.0.2"], "ForwardedFor 203.0.113.7" },
        { ["1.1.1.1", "203.0.113.7"], "ForwardedFor 203.0.113.7" },
        { ["1.1.1.1, 2.2.2.2", "3.3.3.3, 203.0.113.7", "10.0.0.2, 10.0.0.3"], "ForwardedFor 203.0.113.7" },
        { ["junk, 203.0.113.7"], "ForwardedFor 203.0.113.7" },
        { ["junk", "203.0.113.7", "10.0.0.2"], "ForwardedFor 203.0.113.7" },
        { [" ,203.0.113.7\t, ,,", "", " , "], "ForwardedFor 203.0.113.7" },
        { ["203.0.113.7:4711, [2001:db8:aaaa::1]:443, 10.0.0.2:80"], "ForwardedFor 203.0.113.7" },
        { ["203.0.113.7, ::ffff:10.0.0.2, ::ffff:a00:3"], "ForwardedFor 203.0.113.7" },
        { ["2001:db8:aaab::1, 10.0.0.2"], "ForwardedFor 2001:db8:aaab::1" },
        { ["::10.0.0.9, 10.0.0.2"], "ForwardedFor ::10.0.0.9" },
        { ["0.0.0.0"], "ForwardedFor 0.0.0.0" },
        { ["10.0.0.2"], "ForwardedFor 10.0.0.2" },
        { ["10.0.0.4, 10.0.0.3, 10.0.0.2"], "ForwardedFor 10.0.0.4" },
        { [",", "10.0.0.4", "10.0.0.3,"], "ForwardedFor 10.0.0.4" },
        { ["junk"], Unusable },
        { ["203.0.113.7, junk"], Unusable },
        { ["203.0.113.7, junk, 10.0.0.2"], Unusable },
        { ["203.0.113.7", "unknown", "10.0.0.2"], Unusable },
        { ["junk, 10.0.0.3, 10.0.0.2"], Unusable },
        { ["203.0.113.7, 010.0.0.2"], Unusable },
        { ["203.0.113.7, 10.0.0.2:99999"], Unusable },
        { ["203.0.113.7, 10.0.0.2\u00a0"], Unusable },
    };

    [Theory]
    [MemberData(nameof(FirstEntries))]
    public void Takes_the_first_forwarded_entry(string[] lines, string address)
    {
        Resolve(ClientIpSource.ForwardedForFirst, Stranger, lines).Should().Be($"ForwardedFor {address}");
        Resolve(ClientIpSource.ForwardedForFirst, null, lines).Should().Be($"ForwardedFor {address}");
    }

    [Theory]
    [MemberData(nameof(UnusableFirstEntries))]
    public void Has_no_address_when_the_first_forwarded_entry_is_unusable(string[] lines)
    {
        Resolve(ClientIpSource.ForwardedForFirst, Proxy, lines).Should().Be(Unusable);
        Resolve(ClientIpSource.ForwardedForFirst, null, lines).Should().Be(Unusable);
    }

    [Theory]
    [MemberData(nameof(BlankHeaders))]
    public void Takes_a_header_without_entries_as_absent(string[] lines)
    {
        Resolve(ClientIpSource.ForwardedForFirst, Stranger, lines).Should().Be($"Peer {Stranger}");
        Resolve(ClientIpSource.ForwardedForFirst, null, lines).Should().Be("UnknownPeer");
        Resolve(ClientIpSource.TrustedProxies, Proxy, lines).Should().Be($"Peer {Proxy}");
        Resolve(ClientIpSource.TrustedProxies, Stranger, lines).Should().Be($"Peer {Stranger}");
        Resolve(ClientIpSource.TrustedProxies, null, lines).Should().Be("UnknownPeer");
    }

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst)]
    [InlineData(ClientIpSource.TrustedProxies)]
    [InlineData(ClientIpSource.PeerAddress)]
    public void Takes_the_peer_without_a_header(ClientIpSource source)
    {
        Resolve(source, Stranger).Should().Be($"Peer {Stranger}");
        Resolve(source, Proxy).Should().Be($"Peer {Proxy}");
        Resolve(source, null).Should().Be("UnknownPeer");
    }

    [Theory]
    [InlineData("::ffff:198.51.100.9", "198.51.100.9")]
    [InlineData("::ffff:0.0.0.0", "0.0.0.0")]
    [InlineData("::198.51.100.9", "::198.51.100.9")]
    [InlineData("64:ff9b::198.51.100.9", "64:ff9b::c633:6409")]
    [InlineData("::1", "::1")]
    [InlineData("::", "::")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("fe80::1%3", "fe80::1")]
    public void Reads_the_peer_without_scope_and_mapping(string peer, string address)
    {
        Resolve(ClientIpSource.ForwardedForFirst, peer).Should().Be($"Peer {address}");
        Resolve(ClientIpSource.TrustedProxies, peer).Should().Be($"Peer {address}");
        Resolve(ClientIpSource.PeerAddress, peer).Should().Be($"Peer {address}");
    }

    [Theory]
    [MemberData(nameof(TrustedWalks))]
    public void Walks_trusted_hops_from_the_right(string[] lines, string outcome) =>
        Resolve(ClientIpSource.TrustedProxies, Proxy, lines).Should().Be(outcome);

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("2001:db8:aaaa::1")]
    [InlineData("2001:db8:aaaa::1%7")]
    public void Believes_the_header_of_any_trusted_peer(string peer) =>
        Resolve(ClientIpSource.TrustedProxies, peer, "203.0.113.7").Should().Be("ForwardedFor 203.0.113.7");

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("10.0.0.2")]
    [InlineData("203.0.113.7, 10.0.0.2")]
    [InlineData("junk")]
    public void Ignores_the_header_of_an_untrusted_peer(string line)
    {
        Resolve(ClientIpSource.TrustedProxies, Stranger, line).Should().Be($"Peer {Stranger}");
        Resolve(ClientIpSource.TrustedProxies, "::10.0.0.1", line).Should().Be("Peer ::10.0.0.1");
    }

    [Fact]
    public void Has_no_address_for_an_unknown_peer_with_any_header() =>
        Resolve(ClientIpSource.TrustedProxies, null, "203.0.113.7").Should().Be("UnknownPeer");

    [Theory]
    [InlineData(18)]
    [InlineData(19)]
    public void Walks_as_many_as_20_hops(int trustedHops)
    {
        string trusted = Repeat("10.0.0.2", trustedHops);

        Resolve(ClientIpSource.TrustedProxies, Proxy, $"203.0.113.7, {trusted}").Should().Be("ForwardedFor 203.0.113.7");
        Resolve(ClientIpSource.TrustedProxies, Proxy, ["203.0.113.7", .. trusted.Split(", ")]).Should().Be("ForwardedFor 203.0.113.7");
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"10.0.0.3, {trusted}").Should().Be("ForwardedFor 10.0.0.3");
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"203.0.113.7, , {trusted.Replace(",", ",,,", StringComparison.Ordinal)}")
            .Should().Be("ForwardedFor 203.0.113.7");
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"{Repeat("1.1.1.1", 50)}, 203.0.113.7, {trusted}")
            .Should().Be("ForwardedFor 203.0.113.7");
    }

    [Theory]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(1000)]
    public void Has_no_address_after_more_than_20_hops(int trustedHops)
    {
        string trusted = Repeat("10.0.0.2", trustedHops);

        Resolve(ClientIpSource.TrustedProxies, Proxy, $"203.0.113.7, {trusted}").Should().Be(Unusable);
        Resolve(ClientIpSource.TrustedProxies, Proxy, ["203.0.113.7", .. trusted.Split(", ")]).Should().Be(Unusable);
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"10.0.0.3, {trusted}").Should().Be(Unusable);
    }

    [Fact]
    public void Never_reads_the_header_for_the_peer_address()
    {
        Resolve(ClientIpSource.PeerAddress, Stranger, "203.0.113.7").Should().Be($"Peer {Stranger}");
        Resolve(ClientIpSource.PeerAddress, Proxy, "203.0.113.7").Should().Be($"Peer {Proxy}");
        Resolve(ClientIpSource.PeerAddress, Proxy, "junk").Should().Be($"Peer {Proxy}");
        Resolve(ClientIpSource.PeerAddress, null, "203.0.113.7").Should().Be("UnknownPeer");
    }

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst, "PeerRewritten")]
    [InlineData(ClientIpSource.TrustedProxies, "PeerRewritten")]
    [InlineData(ClientIpSource.PeerAddress, $"Peer {Proxy}")]
    public void Sees_a_rewritten_peer_by_its_trace_where_the_header_matters(ClientIpSource source, string outcome)
    {
        ResolverCase.Resolve(source, IPAddress.Parse(Proxy), ["203.0.113.7"], hasOriginalFor: true).Should().Be(outcome);
        ResolverCase.Resolve(source, IPAddress.Parse(Proxy), [], hasOriginalFor: true).Should().Be(outcome);
    }

    [Fact]
    public void Reads_headers_of_10_000_entries()
    {
        string many = Repeat("203.0.113.7", 10_000);

        Resolve(ClientIpSource.ForwardedForFirst, Proxy, $"203.0.113.8, {many}").Should().Be("ForwardedFor 203.0.113.8");
        Resolve(ClientIpSource.ForwardedForFirst, Proxy, $"junk, {many}").Should().Be(Unusable);
        Resolve(ClientIpSource.ForwardedForFirst, Proxy, new string(',', 10_000) + "203.0.113.8").Should().Be("ForwardedFor 203.0.113.8");
        Resolve(ClientIpSource.ForwardedForFirst, Proxy, new string(',', 10_000)).Should().Be($"Peer {Proxy}");
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"{many}, 203.0.113.8, 10.0.0.2").Should().Be("ForwardedFor 203.0.113.8");
        Resolve(ClientIpSource.TrustedProxies, Proxy, "203.0.113.8" + new string(',', 10_000)).Should().Be("ForwardedFor 203.0.113.8");
        Resolve(ClientIpSource.TrustedProxies, Proxy, [.. many.Split(", "), "203.0.113.8", "10.0.0.2"])
            .Should().Be("ForwardedFor 203.0.113.8");
        Resolve(ClientIpSource.TrustedProxies, Proxy, Repeat("10.0.0.2", 10_000)).Should().Be(Unusable);
    }

    [Theory]
    [InlineData("9")]
    [InlineData(":")]
    [InlineData("[")]
    [InlineData("203.0.113.7")]
    public void Has_no_address_for_a_single_entry_of_30_KB(string piece)
    {
        string entry = string.Concat(Enumerable.Repeat(piece, 30_000 / piece.Length));

        Resolve(ClientIpSource.ForwardedForFirst, Proxy, entry).Should().Be(Unusable);
        Resolve(ClientIpSource.TrustedProxies, Proxy, entry).Should().Be(Unusable);
    }

    [Fact]
    public void Finds_an_entry_among_30_KB_of_blanks()
    {
        string blanks = string.Concat(Enumerable.Repeat(" \t", 15_000));

        Resolve(ClientIpSource.ForwardedForFirst, Proxy, $"{blanks}203.0.113.7{blanks}").Should().Be("ForwardedFor 203.0.113.7");
        Resolve(ClientIpSource.TrustedProxies, Proxy, $"{blanks}203.0.113.7{blanks}").Should().Be("ForwardedFor 203.0.113.7");
        Resolve(ClientIpSource.ForwardedForFirst, Proxy, blanks).Should().Be($"Peer {Proxy}");
    }

    private static string Resolve(ClientIpSource source, string? peer, params string[] lines) =>
        ResolverCase.Resolve(source, peer is null ? null : IPAddress.Parse(peer), lines);

    private static string Repeat(string entry, int times) => string.Join(", ", Enumerable.Repeat(entry, times));
}
