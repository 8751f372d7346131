using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The check is the same on HTTP/1.1, HTTP/2, WebSocket and gRPC requests.</summary>
public sealed class ProtocolTests
{
    [Theory]
    [InlineData(TestKeys.Restricted, "203.0.113.7", 200)]
    [InlineData(TestKeys.Restricted, "198.51.100.9", 403)]
    [InlineData(TestKeys.Unrestricted, "198.51.100.9", 200)]
    [InlineData(TestKeys.Unknown, "203.0.113.7", 401)]
    [InlineData("a.jwt.token", "203.0.113.7", 200)]
    public async Task Http1_and_http2_come_to_the_same_verdict(string rawKey, string forwardedFor, int status)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse http1 = await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor));
        using HttpResponseMessage http2 = await Http2Request.GetAsync(
            app.Http2, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor));

        http1.Status.Should().Be(status);
        ((int)http2.StatusCode).Should().Be(status);
        http2.Version.Should().Be(HttpVersion.Version20);
        (await http2.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Should().Be(http1.Content);
    }

    [Fact]
    public async Task On_http2_the_peer_is_the_client_when_nothing_is_forwarded()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        using HttpResponseMessage response = await Http2Request.GetAsync(app.Http2, HeaderLine.Bearer(TestKeys.Restricted));

        response.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("203.0.113.7", 200)]
    [InlineData("198.51.100.9", 403)]
    public async Task A_gRPC_request_is_checked(string forwardedFor, int status)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));
        using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");

        using HttpResponseMessage response = await Http2Request.SendAsync(
            app.Http2, HttpMethod.Post, content, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(forwardedFor),
            "TE: trailers");

        ((int)response.StatusCode).Should().Be(status);
    }

    [Theory]
    [InlineData(TestKeys.Restricted, 403)]
    [InlineData(TestKeys.Unknown, 401)]
    public async Task A_WebSocket_upgrade_is_refused(string rawKey, int status)
    {
        await using KestrelApp app = await StartWithEchoAsync();
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Authorization", "Bearer " + rawKey);
        socket.Options.SetRequestHeader("X-Forwarded-For", "198.51.100.9");

        Func<Task> connecting = () => socket.ConnectAsync(new Uri($"ws://{app.IPv4}/"), TestContext.Current.CancellationToken);

        await connecting.Should().ThrowAsync<WebSocketException>();
        ((int)socket.HttpStatusCode).Should().Be(status);
    }

    [Fact]
    public async Task A_WebSocket_upgrade_is_accepted_from_a_listed_address()
    {
        await using KestrelApp app = await StartWithEchoAsync();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + TestKeys.Restricted);
        socket.Options.SetRequestHeader("X-Forwarded-For", "203.0.113.7");

        await socket.ConnectAsync(new Uri($"ws://{app.IPv4}/"), TestContext.Current.CancellationToken);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);
        byte[] echo = new byte[16];
        WebSocketReceiveResult received = await socket.ReceiveAsync(echo, TestContext.Current.CancellationToken);

        Encoding.ASCII.GetString(echo, 0, received.Count).Should().Be("hello");
    }

    [Fact]
    public async Task A_HEAD_request_is_checked()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        (await KestrelApp.SendAsync(
            app.IPv4, "HEAD", "/", HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("203.0.113.7"))).Status
            .Should().Be(200);
        (await KestrelApp.SendAsync(
            app.IPv4, "HEAD", "/", HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"))).Status
            .Should().Be(403);
    }

    [Fact]
    public async Task A_verdict_is_not_carried_over_to_the_next_request_of_a_connection()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

        (await client.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("203.0.113.7"))).Body.Should().Be("Allowed");
        (await client.GetAsync()).Body.Should().Be("NoKey");
        (await client.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"))).Status.Should().Be(403);
        (await client.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted))).Body.Should().Be("Unrestricted");
        (await client.GetAsync(HeaderLine.Bearer(TestKeys.Unknown))).Status.Should().Be(401);
        (await client.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("203.0.113.7"))).Body.Should().Be("Allowed");
    }

    private static Task<KestrelApp> StartWithEchoAsync() => KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: app =>
    {
        app.UseFlowBeaconIpAllowlist();
        app.UseWebSockets();
        app.Run(async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[16];
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, context.RequestAborted);
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        });
    });
}
