using System.Net;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>
/// A peer that something in this process replaced: never accepted silently, and the log names each cause with its remedy.
/// </summary>
public sealed class ReplacedPeerTests
{
    private const string Listed = "203.0.113.7";
    private const string OfLoadBalancer = "192.0.2.10";

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    /// <summary>How connection middleware sets the peer in Kestrel.</summary>
    public static TheoryData<string> Ways => ["sets the end point", "hands out a connection of its own"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_peer_from_connection_middleware_is_not_accepted_silently(string way)
    {
        await using KestrelApp app = await StartAsync(way, Trust);

        (await SendAsync(app, Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(403);

        LogEntry error = app.Logs.OfLibrary.Single(entry => entry.Id.Name == "PeerRewritten");
        error.Level.Should().Be(LogLevel.Error);
        error.Message.Should().Contain("options.UsesProxyProtocol = true.");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task With_the_named_option_the_peer_from_connection_middleware_counts(string way)
    {
        await using KestrelApp app = await StartAsync(way, options =>
        {
            Trust(options);
            options.UsesProxyProtocol = true;
        });

        (await SendAsync(app, Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(200);
        (await SendAsync(app, Key, HeaderLine.ForwardedFor("198.51.100.9"))).Status.Should().Be(403);
        (await SendAsync(app, Key)).Content.Should().Contain($"\"client_ip\":\"{OfLoadBalancer}\"");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_named_option_does_not_believe_UseForwardedHeaders(string way)
    {
        await using KestrelApp app = await StartAsync(
            way,
            options =>
            {
                Trust(options);
                options.UsesProxyProtocol = true;
            },
            ForwardTwo);

        RawResponse response = await SendAsync(app, Key, HeaderLine.ForwardedFor($"{Listed}, 198.51.100.1, {OfLoadBalancer}"));

        response.Status.Should().Be(403);
        app.Logs.OfLibrary.Should().Contain(entry => entry.Id.Name == "PeerRewritten");
    }

    [Fact]
    public async Task A_peer_that_is_equal_by_value_is_no_proof()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), options => options.TrustedProxies.Add("127.0.0.1"),
            builder => builder.Services.Configure<IpAllowlistOptions>(options => options.ClientIpSource = ClientIpSource.TrustedProxies),
            pipeline =>
            {
                ForwardTwo(pipeline);
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(context => context.Response.WriteAsync("passed"));
            });

        // The attacker names the proxy's address in front of it, so that two hops end where they began, and keeps what is left.
        (await app.GetAsync(Key, HeaderLine.ForwardedFor($"{Listed}, 127.0.0.1, 198.51.100.9"))).Status.Should().Be(403);
    }

    [Fact]
    public async Task Middleware_that_unmaps_the_peer_is_named_as_what_to_remove()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.IPv6Any, 0)),
            pipeline: pipeline =>
            {
                pipeline.Use((context, next) =>
                {
                    context.Connection.RemoteIpAddress = context.Connection.RemoteIpAddress!.MapToIPv4();
                    return next(context);
                });
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(context => context.Response.WriteAsync("passed"));
            });

        RawResponse response = await KestrelApp.SendAsync(
            new IPEndPoint(IPAddress.Loopback, app.EndPoint(3).Port), "GET", "/", Key, HeaderLine.ForwardedFor(Listed));

        response.Status.Should().Be(403);
        app.Logs.OfLibrary.Single(entry => entry.Id.Name == "PeerRewritten").Message
            .Should().Contain("(MapToIPv4), remove it: the check does that itself");
    }

    [Fact]
    public async Task The_check_unmaps_the_peer_of_a_dual_stack_listener_itself()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("127.0.0.1"),
            configure: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.IPv6Any, 0)));

        RawResponse response = await KestrelApp.SendAsync(new IPEndPoint(IPAddress.Loopback, app.EndPoint(3).Port), "GET", "/", Key);

        response.Content.Should().Be("Allowed");
    }

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task The_named_option_is_warned_about_at_every_start(string environment)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            options: options => options.UsesProxyProtocol = true, environment: environment);

        app.Logs.OfLibrary.Single(entry => entry.Id.Name == "UsesProxyProtocol").Level.Should().Be(LogLevel.Warning);
    }

    [Fact]
    public async Task The_named_option_is_refused_beside_UseForwardedHeaders()
    {
        Func<Task> start = () => KestrelApp.StartAsync(
            options: options => options.UsesProxyProtocol = true,
            configure: builder =>
                builder.Services.Configure<ForwardedHeadersOptions>(options => options.ForwardedHeaders = ForwardedHeaders.XForwardedFor));

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Message.Should()
            .Contain("UsesProxyProtocol: true cannot be combined with UseForwardedHeaders");
    }

    [Fact]
    public async Task The_named_option_is_refused_where_it_has_no_effect()
    {
        Func<Task> start = () => KestrelApp.StartAsync(options: options =>
        {
            options.UsesProxyProtocol = true;
            options.ClientIpSource = ClientIpSource.PeerAddress;
        });

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Message
            .Should().Contain("UsesProxyProtocol: true has no effect");
    }

    private static void Trust(IpAllowlistOptions options)
    {
        options.ClientIpSource = ClientIpSource.TrustedProxies;
        options.TrustedProxies.Add(OfLoadBalancer);
    }

    private static void ForwardTwo(WebApplication app)
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor,
            ForwardLimit = 2,
            OriginalForHeaderName = "X-Was-For",
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        app.UseForwardedHeaders(options);
    }

    private static Task<KestrelApp> StartAsync(string way, Action<IpAllowlistOptions> options, Action<WebApplication>? inFront = null) =>
        KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            options,
            builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(
                next => connection => next(WithPeer(connection, way))))),
            pipeline =>
            {
                inFront?.Invoke(pipeline);
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(context => context.Response.WriteAsync("passed"));
            });

    private static ConnectionContext WithPeer(ConnectionContext connection, string way)
    {
        var peer = new IPEndPoint(IPAddress.Parse(OfLoadBalancer), 1234);
        if (way == "sets the end point")
        {
            connection.RemoteEndPoint = peer;
            return connection;
        }

        var own = new DefaultConnectionContext(connection.ConnectionId, connection.Transport, connection.Transport)
        {
            LocalEndPoint = connection.LocalEndPoint,
            RemoteEndPoint = peer,
        };
        foreach ((Type type, object feature) in connection.Features)
        {
            own.Features[type] ??= feature;
        }

        return own;
    }

    private static Task<RawResponse> SendAsync(KestrelApp app, params string[] headerLines) =>
        KestrelApp.SendAsync(app.EndPoint(3), "GET", "/", headerLines);
}
