using System.Net;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>
/// The table of proxies in docs/client-address.md, tested with the real programs: whether a client can forge its address.
/// </summary>
public sealed class EdgeProxyTests
{
    private const string Listed = "203.0.113.7";

    /// <summary>Where the client really is: not the proxy's 127.0.0.1, and not on the list.</summary>
    private static readonly IPAddress Client = IPAddress.Parse("127.0.0.2");

    /// <summary>The program; its lines; whether a client can forge its address with ForwardedForFirst, and with TrustedProxies.</summary>
    public static TheoryData<string, string, bool, bool> Edges => new()
    {
        { "nginx", "", true, true },
        { "nginx", "proxy_set_header X-Forwarded-For $remote_addr;", false, false },
        { "nginx", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", true, false },
        { "haproxy", "option forwardfor if-none", true, true },
        { "haproxy", "option forwardfor", true, false },
        { "haproxy", "http-request set-header X-Forwarded-For %[src]", false, false },
    };

    [Theory]
    [MemberData(nameof(Edges))]
    public async Task An_edge_lets_clients_forge_their_address_or_not(string program, string lines, bool withFirst, bool withTrustedProxies)
    {
        (await IsForgedAsync(program, lines, ClientIpSource.ForwardedForFirst)).Should().Be(withFirst);
        (await IsForgedAsync(program, lines, ClientIpSource.TrustedProxies)).Should().Be(withTrustedProxies);
    }

    [Theory]
    [InlineData("nginx without a `proxy_set_header X-Forwarded-For`", "`proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`")]
    [InlineData("HAProxy with `option forwardfor if-none`", "`option forwardfor`")]
    public void The_page_warns_of_the_edges_that_are_forgeable_with_every_source_and_names_the_line_that_fixes_them(
        string edge, string line)
    {
        string[] rows = File.ReadAllLines(RepositoryFolder.Combine("docs", "client-address.md"));

        rows.Should().ContainSingle(row => row.StartsWith($"| {edge}", StringComparison.Ordinal)).Which.Should()
            .Contain("**forgeable** with every source that reads the header").And.Contain(line);
    }

    /// <summary>
    /// Whether a client that sends a listed address in X-Forwarded-For is admitted; otherwise its real address must be found.
    /// </summary>
    private static async Task<bool> IsForgedAsync(string program, string lines, ClientIpSource source)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("127.0.0.1");
            }
        });
        await using EdgeProxy edge = await EdgeProxy.StartAsync(program, lines, app.IPv4);

        RawResponse response = await edge.GetFromAsync(Client, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed));

        if (response.Status == 200)
        {
            return true;
        }

        response.Status.Should().Be(403);
        response.Content.Should().Contain($"\"client_ip\":\"{Client}\"");
        return false;
    }
}
