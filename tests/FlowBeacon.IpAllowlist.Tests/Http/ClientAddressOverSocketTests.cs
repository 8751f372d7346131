using System.Net;
using System.Net.Sockets;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The client address of each source, from real connections.</summary>
public sealed class ClientAddressOverSocketTests
{
    private const string Listed = "203.0.113.7";

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    public static TheoryData<string[]> FirstEntryIsListed => new(
        [HeaderLine.ForwardedFor(Listed)],
        [HeaderLine.ForwardedFor($"{Listed}, 198.51.100.9, 127.0.0.1")],
        [HeaderLine.ForwardedFor($"\t {Listed}\t,x")],
        [HeaderLine.ForwardedFor($", ,{Listed}")],
        [HeaderLine.ForwardedFor($"{Listed}:4711")],
        [HeaderLine.ForwardedFor($"::ffff:{Listed}")],
        [HeaderLine.ForwardedFor($"[::ffff:cb00:7107]:443")],
        [HeaderLine.ForwardedFor(Listed), HeaderLine.ForwardedFor("198.51.100.9")],
        [HeaderLine.ForwardedFor(""), HeaderLine.ForwardedFor(" , "), HeaderLine.ForwardedFor(Listed)],
        ["x-forwarded-for: " + Listed]);

    public static TheoryData<string[]> FirstEntryIsNotListed => new(
        [HeaderLine.ForwardedFor("198.51.100.9")],
        [HeaderLine.ForwardedFor($"198.51.100.9, {Listed}")],
        [HeaderLine.ForwardedFor($"unknown, {Listed}")],
        [HeaderLine.ForwardedFor($"\"{Listed}\"")],
        [HeaderLine.ForwardedFor("203.0.113.07")],
        [HeaderLine.ForwardedFor($"{Listed}:99999")],
        [HeaderLine.ForwardedFor($"[{Listed}]")],
        [HeaderLine.ForwardedFor($"{Listed};{Listed}")],
        [HeaderLine.ForwardedFor($"{Listed} {Listed}")],
        [HeaderLine.ForwardedFor("198.51.100.9"), HeaderLine.ForwardedFor(Listed)],
        [HeaderLine.ForwardedFor(" , "), HeaderLine.ForwardedFor("x"), HeaderLine.ForwardedFor(Listed)],
        [$"Forwarded: for={Listed}"],
        [$"X-Real-IP: {Listed}"],
        [$"X_Forwarded_For: {Listed}"]);

    [Theory]
    [MemberData(nameof(FirstEntryIsListed))]
    public async Task First_forwarded_entry_allows(string[] headerLines)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed));

        (await app.GetAsync([Key, .. headerLines])).Content.Should().Be("Allowed");
    }

    [Theory]
    [MemberData(nameof(FirstEntryIsNotListed))]
    public async Task First_forwarded_entry_denies(string[] headerLines)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed));

        (await app.GetAsync([Key, .. headerLines])).Status.Should().Be(403);
    }

    [Theory]
    [InlineData("127.0.0.1", AddressFamily.InterNetwork)]
    [InlineData("::1", AddressFamily.InterNetworkV6)]
    public async Task Without_a_forwarded_entry_the_peer_decides_for_every_source(string peer, AddressFamily family)
    {
        foreach (ClientIpSource source in Enum.GetValues<ClientIpSource>())
        {
            await using KestrelApp listed = await StartAsync(source, TestKeys.Store(peer));
            await using KestrelApp notListed = await StartAsync(source, TestKeys.Store("127.0.0.2", "::2"));
            string[][] withoutAddress = [[Key], [Key, HeaderLine.ForwardedFor("")], [Key, HeaderLine.ForwardedFor(" ,, ")]];
            foreach (string[] headerLines in withoutAddress)
            {
                (await KestrelApp.SendAsync(EndPointOf(listed, family), "GET", "/", headerLines)).Content
                    .Should().Be("Allowed", "{0}", source);
                (await KestrelApp.SendAsync(EndPointOf(notListed, family), "GET", "/", headerLines)).Status.Should().Be(403, "{0}", source);
            }
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public async Task A_dual_stack_listener_sees_the_address_people_list(string entry, string clientAddress)
    {
        foreach (ClientIpSource source in Enum.GetValues<ClientIpSource>())
        {
            await using KestrelApp app = await StartAsync(source, TestKeys.Store(entry), kestrel => kestrel.Listen(IPAddress.IPv6Any, 0));
            var target = new IPEndPoint(IPAddress.Parse(clientAddress), app.EndPoint(3).Port);
            string otherClient = clientAddress == "::1" ? "127.0.0.1" : "::1";
            var other = new IPEndPoint(IPAddress.Parse(otherClient), app.EndPoint(3).Port);

            (await KestrelApp.SendAsync(target, "GET", "/", Key)).Content.Should().Be("Allowed", "{0}", source);

            RawResponse denied = await KestrelApp.SendAsync(other, "GET", "/", Key);
            denied.Status.Should().Be(403);
            denied.Content.Should().Contain($"\"client_ip\":\"{otherClient}\"");
        }
    }

    [Fact]
    public async Task PeerAddress_ignores_the_header()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.PeerAddress, TestKeys.Store("127.0.0.1"));
        await using KestrelApp other = await StartAsync(ClientIpSource.PeerAddress, TestKeys.Store(Listed));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor("garbage"))).Content.Should().Be("Allowed");
        (await other.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(403);
    }

    [Theory]
    [InlineData("203.0.113.7", 200)]
    [InlineData("198.51.100.9, 203.0.113.7", 200)]
    [InlineData("203.0.113.7, 127.0.0.9, 127.0.0.8", 200)]
    [InlineData("203.0.113.7:80, [::ffff:127.0.0.9]:81", 200)]
    [InlineData("203.0.113.7, 198.51.100.9", 403)]
    [InlineData("203.0.113.7, unknown", 403)]
    [InlineData("203.0.113.7, unknown, 127.0.0.9", 403)]
    [InlineData("127.0.0.8, 127.0.0.9", 403)]
    public async Task TrustedProxies_walks_from_the_right(string forwardedFor, int status)
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.TrustedProxies, TestKeys.Store(Listed));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(forwardedFor))).Status.Should().Be(status);

        // One list, however many lines it is spread over.
        string[] lines = [.. forwardedFor.Split(", ").Select(HeaderLine.ForwardedFor)];
        (await app.GetAsync([Key, .. lines])).Status.Should().Be(status);
    }

    [Fact]
    public async Task TrustedProxies_takes_the_leftmost_hop_when_all_are_trusted()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.TrustedProxies, TestKeys.Store("127.0.0.8"));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor("127.0.0.8, 127.0.0.9"))).Content.Should().Be("Allowed");
        (await app.GetAsync(Key, HeaderLine.ForwardedFor("127.0.0.9, 127.0.0.8"))).Status.Should().Be(403);
    }

    [Theory]
    [InlineData(19, 200)]
    [InlineData(20, 403)]
    public async Task TrustedProxies_follows_at_most_20_hops(int trustedHops, int status)
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.TrustedProxies, TestKeys.Store(Listed));
        string chain = string.Join(", ", Enumerable.Repeat("127.0.0.9", trustedHops).Prepend(Listed));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(chain))).Status.Should().Be(status);
    }

    [Fact]
    public async Task TrustedProxies_does_not_believe_a_peer_that_is_no_proxy()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add("127.0.0.2");
        });

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(403);
        (await KestrelApp.SendAsync(app.IPv6, "GET", "/", Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(403);
    }

    [Fact]
    public async Task A_header_of_10000_entries_is_read_by_the_same_rules()
    {
        string[] entries = [.. Enumerable.Repeat("198.51.100.9", 10_000)];
        string listedFirst = HeaderLine.ForwardedFor(string.Join(',', entries.Prepend(Listed)));
        string listedLast = HeaderLine.ForwardedFor(string.Join(',', entries.Append(Listed)));
        await using KestrelApp first = await StartAsync(ClientIpSource.ForwardedForFirst, TestKeys.Store(Listed));
        await using KestrelApp walking = await StartAsync(ClientIpSource.TrustedProxies, TestKeys.Store(Listed));

        (await first.GetAsync(Key, listedFirst)).Status.Should().Be(200);
        (await first.GetAsync(Key, listedLast)).Status.Should().Be(403);
        (await walking.GetAsync(Key, listedFirst)).Status.Should().Be(403);
        (await walking.GetAsync(Key, listedLast)).Status.Should().Be(200);
        (await walking.GetAsync(Key, HeaderLine.ForwardedFor(string.Join(',', Enumerable.Repeat("127.0.0.9", 10_000))))).Status
            .Should().Be(403);
    }

    [Theory]
    [InlineData('x', 403)]
    [InlineData('1', 403)]
    [InlineData(':', 403)]
    [InlineData('[', 403)]
    [InlineData(',', 200)]
    public async Task A_header_of_30_KB_in_one_piece_is_answered(char character, int status)
    {
        foreach (ClientIpSource source in new[] { ClientIpSource.ForwardedForFirst, ClientIpSource.TrustedProxies })
        {
            await using KestrelApp app = await StartAsync(source, TestKeys.Store("127.0.0.1"));

            (await app.GetAsync(Key, HeaderLine.ForwardedFor(new string(character, 30 * 1024)))).Status.Should().Be(status, "{0}", source);
        }
    }

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst, 200)]
    [InlineData(ClientIpSource.TrustedProxies, 403)]
    [InlineData(ClientIpSource.PeerAddress, 403)]
    public async Task A_Unix_socket_has_no_peer_address(ClientIpSource source, int statusWithHeader)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await using KestrelApp app = await StartAsync(
            source, TestKeys.Store(Listed, "127.0.0.1", "::1", "0.0.0.0", "::"), kestrel => kestrel.ListenUnixSocket(path));

        RawResponse withoutHeader = await SendAsync(Key);
        withoutHeader.Status.Should().Be(403);
        withoutHeader.Content.Should().Contain("\"client_ip\":null");
        (await SendAsync(Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(statusWithHeader);
        (await SendAsync(HeaderLine.Bearer(TestKeys.Unrestricted))).Content.Should().Be("Unrestricted");

        async Task<RawResponse> SendAsync(params string[] headerLines)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            return await RawResponse.ExchangeAsync(socket, "GET", "/", headerLines);
        }
    }

    [Fact]
    public async Task A_peer_that_the_host_set_to_null_is_no_address()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("127.0.0.1", "0.0.0.0", "::"),
            options => options.ClientIpSource = ClientIpSource.PeerAddress,
            pipeline: pipeline =>
            {
                pipeline.Use((context, next) =>
                {
                    context.Connection.RemoteIpAddress = null;
                    return next(context);
                });
                pipeline.UseFlowBeaconIpAllowlist();
            });

        RawResponse response = await app.GetAsync(Key);

        response.Status.Should().Be(403);
        response.Content.Should().Contain("\"client_ip\":null");
    }

    [Fact]
    public async Task A_peer_is_compared_without_its_scope_id()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("fe80::1"),
            options => options.ClientIpSource = ClientIpSource.PeerAddress,
            pipeline: pipeline =>
            {
                pipeline.Use((context, next) =>
                {
                    context.Connection.RemoteIpAddress = IPAddress.Parse("fe80::1%7");
                    return next(context);
                });
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(_ => Task.CompletedTask);
            });

        (await app.GetAsync(Key)).Status.Should().Be(200);
    }

    private static Task<KestrelApp> StartAsync(
        ClientIpSource source, IApiKeyStore store, Action<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>? listen = null) =>
        KestrelApp.StartAsync(
            store,
            options =>
            {
                options.ClientIpSource = source;
                if (source == ClientIpSource.TrustedProxies)
                {
                    options.TrustedProxies.Add("127.0.0.0/8");
                    options.TrustedProxies.Add("::1");
                }
            },
            builder => builder.WebHost.ConfigureKestrel(kestrel => listen?.Invoke(kestrel)));

    private static IPEndPoint EndPointOf(KestrelApp app, AddressFamily family) =>
        family == AddressFamily.InterNetwork ? app.IPv4 : app.IPv6;
}
