using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary><c>GET /governance/health</c>.</summary>
public sealed class HealthTests
{
    private const string Path = "/governance/health";

    private static readonly string[] Members = ["ok", "service", "version"];

    public static TheoryData<string[]> RequestsWithoutAValidKey => new(
        [],
        [HeaderLine.ForwardedFor("203.0.113.7")],
        [HeaderLine.Bearer(TestKeys.Unknown)],
        [HeaderLine.Bearer(TestKeys.Expired)],
        [HeaderLine.Bearer(TestKeys.Revoked)],
        [HeaderLine.Bearer("a.jwt.token")],
        [HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.Bearer(TestKeys.Unrestricted)],
        [$"Authorization: Bearer {TestKeys.Restricted}, Bearer {TestKeys.Unrestricted}"],
        ["Authorization: Basic dXNlcjpwYXNz"]);

    public static TheoryData<string, string?, string?> RequestsWithAValidKey => new()
    {
        { TestKeys.Restricted, "203.0.113.7", "203.0.113.7" },
        { TestKeys.Restricted, "198.51.100.9", "198.51.100.9" },
        { TestKeys.Restricted, "[2001:DB8::9]:443", "2001:db8::9" },
        { TestKeys.Restricted, null, "127.0.0.1" },
        { TestKeys.Restricted, "unknown", null },
        { TestKeys.Unrestricted, "198.51.100.9", "198.51.100.9" },
    };

    [Theory]
    [MemberData(nameof(RequestsWithoutAValidKey))]
    public async Task Has_exactly_three_members_without_a_valid_key(string[] headerLines)
    {
        await using KestrelApp app = await StartAsync();

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", Path, headerLines);

        response.Status.Should().Be(200);
        response.Headers["Content-Type"].Should().Be("application/json");
        response.Headers["Cache-Control"].Should().Be("no-store");
        response.Headers.Should().NotContainKey("WWW-Authenticate");
        using JsonDocument health = JsonDocument.Parse(response.Content);
        health.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal(Members);
        health.RootElement.GetProperty("ok").GetBoolean().Should().BeTrue();
        health.RootElement.GetProperty("service").GetString().Should().Be("FlowBeacon.IpAllowlist.Tests");
        health.RootElement.GetProperty("version").GetString().Should().MatchRegex(@"^\d+\.\d+\.\d+[-.0-9A-Za-z]*$");
    }

    [Fact]
    public async Task Answers_without_an_address_when_the_store_fails()
    {
        var store = new ScriptedStore((_, _) => throw new IOException("the store is away"));
        await using KestrelApp app = await KestrelApp.StartAsync(store, pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapFlowBeaconHealth();
        });

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", Path, HeaderLine.Bearer(TestKeys.Restricted));

        response.Status.Should().Be(200);
        using JsonDocument health = JsonDocument.Parse(response.Content);
        health.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal(Members);
    }

    [Theory]
    [MemberData(nameof(RequestsWithAValidKey))]
    public async Task Tells_the_holder_of_a_valid_key_the_address_that_a_list_would_see(
        string rawKey, string? forwardedFor, string? clientIp)
    {
        await using KestrelApp app = await StartAsync();
        string[] address = forwardedFor is null ? [] : [HeaderLine.ForwardedFor(forwardedFor)];

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", Path, [HeaderLine.Bearer(rawKey), .. address]);

        response.Status.Should().Be(200);
        using JsonDocument health = JsonDocument.Parse(response.Content);
        health.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal([.. Members, "client_ip"]);
        health.RootElement.GetProperty("client_ip").GetString().Should().Be(clientIp);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(TestKeys.Restricted)]
    [InlineData(TestKeys.Unknown)]
    public async Task Answers_HEAD_without_a_body(string? rawKey)
    {
        await using KestrelApp app = await StartAsync();

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "HEAD", Path, rawKey is null ? [] : [HeaderLine.Bearer(rawKey)]);

        response.Status.Should().Be(200);
        response.Body.Should().BeEmpty();
        response.Headers["Content-Type"].Should().Be("application/json");
        response.Headers["Cache-Control"].Should().Be("no-store");
    }

    [Fact]
    public async Task Answers_no_other_method()
    {
        await using KestrelApp app = await StartAsync();

        (await KestrelApp.SendAsync(app.IPv4, "POST", Path, "Content-Length: 0")).Status.Should().Be(405);
        (await KestrelApp.SendAsync(app.IPv4, "DELETE", Path)).Status.Should().Be(405);
    }

    [Fact]
    public async Task Needs_no_key_where_every_other_request_does()
    {
        await using KestrelApp app = await StartAsync(options => options.RequireApiKey = true);

        (await KestrelApp.SendAsync(app.IPv4, "GET", Path)).Status.Should().Be(200);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/other")).Status.Should().Be(401);
    }

    [Fact]
    public async Task Needs_no_signed_in_user_where_a_fallback_policy_asks_for_one()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            configure: builder =>
            {
                builder.Services.AddAuthentication("Cookies").AddCookie("Cookies");
                builder.Services.AddAuthorizationBuilder()
                    .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
            },
            pipeline: pipeline =>
            {
                pipeline.UseAuthentication();
                pipeline.UseAuthorization();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapFlowBeaconHealth();
                pipeline.MapGet("/other", () => "");
            });

        (await KestrelApp.SendAsync(app.IPv4, "GET", Path)).Status.Should().Be(200);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/other")).Status.Should().Be(302);
    }

    [Fact]
    public async Task Is_not_logged_as_a_check()
    {
        await using KestrelApp app = await StartAsync();
        int before = app.Logs.OfLibrary.Count;

        await KestrelApp.SendAsync(app.IPv4, "GET", Path, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"));
        await KestrelApp.SendAsync(app.IPv4, "GET", Path, HeaderLine.Bearer(TestKeys.Unknown));

        app.Logs.OfLibrary.Should().HaveCount(before);
    }

    [Fact]
    public async Task Can_be_mapped_elsewhere_and_in_a_group_that_requires_a_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            RouteGroupBuilder group = pipeline.MapGroup("/api").RequireApiKey();
            group.MapFlowBeaconHealth("/alive");
        });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/api/alive")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Stays_alive_without_a_credential_while_the_store_fails()
    {
        await using KestrelApp app = await StartAsync(
            store: new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away.")));

        (await KestrelApp.SendAsync(app.IPv4, "GET", Path)).Status.Should().Be(200);
    }

    private static Task<KestrelApp> StartAsync(Action<IpAllowlistOptions>? options = null, IApiKeyStore? store = null) =>
        KestrelApp.StartAsync(store ?? TestKeys.Store("203.0.113.7"), options, pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapFlowBeaconHealth();
            pipeline.MapGet("/other", () => "");
        });
}
