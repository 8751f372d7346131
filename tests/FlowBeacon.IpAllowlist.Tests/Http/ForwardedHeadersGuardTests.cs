using System.Net;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The rest of X-Forwarded-For that <c>UseForwardedHeaders</c> leaves is never used.</summary>
public sealed class ForwardedHeadersGuardTests
{
    private const string Listed = "203.0.113.7";
    private const int Denied = 1;
    private const int DeniedRepeatedly = 2;
    private const int PeerRewritten = 4;

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    private static readonly Dictionary<string, (Action<ForwardedHeadersOptions> Set, string[] HeaderLines)> Setups = new()
    {
        ["default names"] = (_ => { }, []),
        ["another OriginalForHeaderName"] = (options => options.OriginalForHeaderName = "X-Was-For", []),
        ["another ForwardedForHeaderName"] = (options => options.ForwardedForHeaderName = "X-Chain", ["X-Chain: 198.51.100.9"]),
        ["both names changed"] = (
            options =>
            {
                options.ForwardedForHeaderName = "X-Chain";
                options.OriginalForHeaderName = "X-Was-For";
            },
            ["X-Chain: 198.51.100.9"]),
        ["ForwardLimit null"] = (options => options.ForwardLimit = null, []),
        ["ForwardLimit 1"] = (options => options.ForwardLimit = 1, []),
        ["ForwardLimit 2"] = (options => options.ForwardLimit = 2, []),
        ["no known proxies"] = (
            options =>
            {
                options.KnownProxies.Clear();
                options.KnownIPNetworks.Clear();
                options.ForwardLimit = null;
            },
            []),
        ["no known proxies, one hop"] = (
            options =>
            {
                options.KnownProxies.Clear();
                options.KnownIPNetworks.Clear();
            },
            []),
        ["header symmetry"] = (
            options =>
            {
                options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
                options.RequireHeaderSymmetry = true;
            },
            ["X-Forwarded-Proto: https, https"]),
    };

    public static TheoryData<string, ClientIpSource> Everything
    {
        get
        {
            var rows = new TheoryData<string, ClientIpSource>();
            foreach (string setup in Setups.Keys)
            {
                rows.Add(setup, ClientIpSource.ForwardedForFirst);
                rows.Add(setup, ClientIpSource.TrustedProxies);
            }

            return rows;
        }
    }

    public static TheoryData<ClientIpSource> HeaderReadingSources => [ClientIpSource.ForwardedForFirst, ClientIpSource.TrustedProxies];

    [Theory]
    [MemberData(nameof(HeaderReadingSources))]
    public async Task Options_that_process_X_Forwarded_For_stop_start_up_and_name_the_fix(ClientIpSource source)
    {
        Func<Task> start = () => StartAsync(source, configure: builder =>
            builder.Services.Configure<ForwardedHeadersOptions>(options => options.ForwardedHeaders = ForwardedHeaders.All));

        (await start.Should().ThrowAsync<OptionsValidationException>())
            .WithMessage("*options.ClientIpSource = ClientIpSource.PeerAddress;*");
    }

    [Theory]
    [MemberData(nameof(HeaderReadingSources))]
    public async Task The_environment_variable_stops_start_up_and_is_named_beside_the_fix(ClientIpSource source)
    {
        Func<Task> start = () => StartAsync(source, configure: builder => builder.Configuration["ForwardedHeaders_Enabled"] = "true");

        (await start.Should().ThrowAsync<OptionsValidationException>())
            .WithMessage("*ASPNETCORE_FORWARDEDHEADERS_ENABLED*options.ClientIpSource = ClientIpSource.PeerAddress;*");
    }

    [Fact]
    public async Task Options_that_process_other_headers_alone_are_no_obstacle()
    {
        await using KestrelApp app = await StartAsync(
            ClientIpSource.ForwardedForFirst,
            configure: builder => builder.Services.Configure<ForwardedHeadersOptions>(options =>
                options.ForwardedHeaders = ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost),
            before: pipeline => pipeline.UseForwardedHeaders());

        RawResponse response = await app.GetAsync(
            Key, HeaderLine.ForwardedFor(Listed), "X-Forwarded-Proto: https", "X-Forwarded-Host: api.example");

        response.Content.Should().Be("Allowed");
    }

    [Fact]
    public async Task With_the_environment_variable_PeerAddress_takes_what_the_framework_found()
    {
        await using KestrelApp app = await StartAsync(
            ClientIpSource.PeerAddress, configure: builder => builder.Configuration["ForwardedHeaders_Enabled"] = "true");

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Content.Should().Be("Allowed");
        (await app.GetAsync(Key, HeaderLine.ForwardedFor($"{Listed}, 198.51.100.9"))).Status.Should().Be(403);
    }

    [Fact]
    public async Task With_UseForwardedHeaders_PeerAddress_takes_what_the_framework_found()
    {
        await using KestrelApp app = await StartAsync(
            ClientIpSource.PeerAddress,
            before: pipeline =>
                pipeline.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor }));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Content.Should().Be("Allowed");
        (await KestrelApp.SendAsync(app.IPv6, "GET", "/", Key, HeaderLine.ForwardedFor(Listed))).Content.Should().Be("Allowed");
        (await app.GetAsync(Key, HeaderLine.ForwardedFor($"{Listed}, 198.51.100.9"))).Status.Should().Be(403);
        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Id == PeerRewritten);
    }

    [Theory]
    [MemberData(nameof(Everything))]
    public async Task Every_request_whose_peer_was_replaced_is_denied_and_the_reason_is_logged_once(string setup, ClientIpSource source)
    {
        await using KestrelApp app = await StartBehindForwardedHeadersAsync(Setups[setup].Set, source);
        using var metrics = new MetricRecorder(app.Services);
        string[] request = [Key, HeaderLine.ForwardedFor($"{Listed}, 198.51.100.9"), .. Setups[setup].HeaderLines];
        string[] unrestricted = [HeaderLine.Bearer(TestKeys.Unrestricted), .. request[1..]];

        foreach (IPEndPoint endPoint in new[] { app.IPv4, app.IPv6 })
        {
            RawResponse denied = await KestrelApp.SendAsync(endPoint, "GET", "/", request);
            denied.Status.Should().Be(403);
            denied.Content.Should().Contain("\"client_ip\":null");
            (await KestrelApp.SendAsync(endPoint, "GET", "/", unrestricted)).Content.Should().Be("Unrestricted");
        }

        foreach (IPEndPoint endPoint in new[] { app.Http2, app.EndPoint(3) })
        {
            using HttpResponseMessage denied = await Http2Request.GetAsync(endPoint, request);
            denied.StatusCode.Should().Be(HttpStatusCode.Forbidden);
            using HttpResponseMessage passed = await Http2Request.GetAsync(endPoint, unrestricted);
            passed.StatusCode.Should().Be(HttpStatusCode.OK);
        }

        app.Logs.OfLibrary.Where(entry => entry.Id.Id is Denied or DeniedRepeatedly).Should()
            .OnlyContain(entry => entry.Message.Contains("reason PeerRewritten", StringComparison.Ordinal))
            .And.HaveCount(4).And.ContainSingle(entry => entry.Id.Id == Denied, "they all come from the same unknown address");
        app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Id == PeerRewritten)
            .Which.Should().Match<LogEntry>(
                entry => entry.Level == LogLevel.Error
                    && entry.Message.Contains("options.ClientIpSource = ClientIpSource.PeerAddress.", StringComparison.Ordinal));
        metrics.Of("checks").Distinct().Should().BeEquivalentTo(
            "1 outcome=denied client_ip_source=none", "1 outcome=unrestricted client_ip_source=none");
    }

    [Theory]
    [MemberData(nameof(Everything))]
    public async Task A_client_that_names_its_own_address_and_port_is_denied_all_the_same(string setup, ClientIpSource source)
    {
        await using KestrelApp app = await StartBehindForwardedHeadersAsync(Setups[setup].Set, source);
        string headerName = Setups[setup].HeaderLines.Any(line => line.StartsWith("X-Chain", StringComparison.Ordinal))
            ? "X-Chain"
            : "X-Forwarded-For";
        string[] others = [.. Setups[setup].HeaderLines.Where(line => !line.StartsWith("X-Chain", StringComparison.Ordinal))];

        foreach (IPEndPoint endPoint in new[] { app.IPv4, app.IPv6 })
        {
            using KeepAliveClient client = await KeepAliveClient.ConnectAsync(endPoint);
            foreach (string chain in new[] { $"{client.Local}", $"{Listed}, {client.Local}", $"{Listed}, {client.Local}, {client.Local}" })
            {
                string[] matching =
                [
                    .. others.Select(_ => $"X-Forwarded-Proto: {string.Join(", ", chain.Split(", ").Select(_ => "https"))}"),
                ];

                (int status, _) = await client.GetAsync([Key, $"{headerName}: {chain}", .. matching]);

                status.Should().Be(403, chain);
            }
        }
    }

    [Fact]
    public async Task A_request_that_UseForwardedHeaders_left_alone_is_judged_as_ever()
    {
        await using KestrelApp app = await StartBehindForwardedHeadersAsync(
            options => options.ForwardedForHeaderName = "X-Chain", ClientIpSource.ForwardedForFirst);

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Content.Should().Be("Allowed");
        (await app.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.9"))).Status.Should().Be(403);
    }

    [Fact]
    public async Task Any_other_code_that_replaces_the_peer_is_found_out_as_well()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.TrustedProxies, before: pipeline => pipeline.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = IPAddress.Parse(context.Request.Headers["X-Real-IP"].ToString());
            return next(context);
        }));

        (await app.GetAsync(Key, "X-Real-IP: 127.0.0.1", HeaderLine.ForwardedFor(Listed))).Status.Should().Be(403);
        (await app.GetAsync(Key, $"X-Real-IP: {Listed}")).Status.Should().Be(403);
    }

    [Theory]
    [InlineData("203.0.113.50:4711")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:80")]
    [InlineData("")]
    [InlineData("garbage")]
    public async Task X_Original_For_handed_on_by_an_upstream_changes_nothing(string originalFor)
    {
        foreach (ClientIpSource source in Enum.GetValues<ClientIpSource>())
        {
            await using KestrelApp app = await StartAsync(
                source, TestKeys.Store(source == ClientIpSource.PeerAddress ? "127.0.0.1" : Listed));
            using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

            (await client.GetAsync(Key, HeaderLine.ForwardedFor(Listed), $"X-Original-For: {originalFor}")).Body
                .Should().Be("Allowed", "{0}", source);
            (await client.GetAsync(Key, HeaderLine.ForwardedFor(Listed), $"X-Original-For: {client.Local}")).Body
                .Should().Be("Allowed", "{0}", source);
            app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Id == PeerRewritten);
        }
    }

    private static Task<KestrelApp> StartBehindForwardedHeadersAsync(Action<ForwardedHeadersOptions> set, ClientIpSource source)
    {
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
        set(forwarded);
        return StartAsync(
            source,
            configure: builder => builder.WebHost.ConfigureKestrel(kestrel =>
                kestrel.Listen(IPAddress.IPv6Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2)),
            before: pipeline => pipeline.UseForwardedHeaders(forwarded));
    }

    private static Task<KestrelApp> StartAsync(
        ClientIpSource source, IApiKeyStore? store = null, Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? before = null) =>
        KestrelApp.StartAsync(
            store ?? TestKeys.Store(Listed, "127.0.0.1", "::1"),
            options =>
            {
                options.ClientIpSource = source;
                if (source == ClientIpSource.TrustedProxies)
                {
                    options.TrustedProxies.Add("127.0.0.1");
                    options.TrustedProxies.Add("::1");
                }
            },
            configure,
            pipeline =>
            {
                before?.Invoke(pipeline);
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(context => context.Response.WriteAsync(context.Features.Get<IIpAllowlistFeature>()!.Outcome.ToString()));
            });
}
