using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>
/// Authorization that a host adds to <c>GET /governance/health</c> counts, and is refused as on any endpoint of the host.
/// </summary>
public sealed class HealthRequirementTests
{
    private const string Path = "/governance/health";

    private static readonly string[] Members = ["ok", "service", "version"];

    public static TheoryData<string> Ways { get; } =
        ["named policy", "policy object alone", "default policy", "requirement data", "outer group"];

    public static TheoryData<string> Orders => [.. PipelineOrder.All];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task An_explicit_requirement_counts(string way)
    {
        await using KestrelApp app = await StartAsync(
            group: group => Require(group, way is "outer group" ? "named policy" : ""), health: endpoint => Require(endpoint, way));

        await OnlyOperationsAreAnsweredAsync(app);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task A_requirement_counts_in_whatever_order_the_middleware_stands(string order)
    {
        await using KestrelApp app = await StartAsync(health: endpoint => endpoint.RequireAuthorization("ops"), order: order);

        await OnlyOperationsAreAnsweredAsync(app);
    }

    [Fact]
    public async Task A_refusal_is_that_of_the_host_s_scheme()
    {
        await using KestrelApp app = await StartAsync(
            configure: builder => builder.Services.AddAuthentication("Cookies").AddCookie("Cookies"),
            health: endpoint => endpoint.RequireAuthorization("ops"));

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", Path);

        response.Status.Should().Be(302);
        response.Headers["Location"].Should().Contain("/Account/Login");
    }

    [Fact]
    public async Task A_required_scope_is_refused_by_the_scheme_of_API_keys()
    {
        await using KestrelApp app = await StartAsync(health: endpoint => endpoint.RequireApiKeyScope(ApiKeyScopes.GovernanceRead));

        (await SendAsync(app)).Status.Should().Be(401);
        (await SendAsync(app, HeaderLine.Bearer(TestKeys.Unrestricted))).Content.Should().Contain("Insufficient scope");
        (await SendAsync(app, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"))).Content
            .Should().Contain("IP address not allowed");
    }

    [Fact]
    public async Task A_fallback_policy_does_not_count_beside_it_either()
    {
        await using KestrelApp app = await StartAsync(
            configure: builder => builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(RoleIs("admin")),
            health: endpoint => endpoint.WithMetadata(new NeedsOpsAttribute()));

        await OnlyOperationsAreAnsweredAsync(app);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_that_allows_anonymous_there_opens_it_again(bool onOuterGroup)
    {
        await using KestrelApp app = await StartAsync(
            group: group => _ = onOuterGroup ? group.AllowAnonymous() : group.RequireAuthorization("ops"),
            health: endpoint => _ = onOuterGroup ? endpoint.RequireAuthorization("ops") : endpoint.AllowAnonymous());

        (await SendAsync(app)).Status.Should().Be(200);
    }

    private static async Task OnlyOperationsAreAnsweredAsync(KestrelApp app)
    {
        foreach (string method in new[] { "GET", "HEAD" })
        {
            (await KestrelApp.SendAsync(app.IPv4, method, Path)).Status.Should().Be(401);
            (await KestrelApp.SendAsync(app.IPv4, method, Path, HeaderLine.Bearer(TestKeys.Unrestricted))).Status.Should().Be(401);
            (await KestrelApp.SendAsync(app.IPv4, method, Path, $"{PersonHandler.Header}: alice admin")).Status.Should().Be(403);
        }

        RawResponse response = await SendAsync(app, $"{PersonHandler.Header}: olga ops");
        response.Status.Should().Be(200);
        using JsonDocument health = JsonDocument.Parse(response.Content);
        health.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal(Members);
    }

    private static Task<RawResponse> SendAsync(KestrelApp app, params string[] headerLines) =>
        KestrelApp.SendAsync(app.IPv4, "GET", Path, headerLines);

    private static Task<KestrelApp> StartAsync(
        Action<WebApplicationBuilder>? configure = null,
        Action<RouteGroupBuilder>? group = null,
        Action<IEndpointConventionBuilder>? health = null,
        string order = "Authentication > Allowlist > Authorization") => KestrelApp.StartAsync(
        TestKeys.Store("203.0.113.7"),
        configure: builder =>
        {
            builder.Services.AddAuthentication(PersonHandler.SchemeName)
                .AddScheme<AuthenticationSchemeOptions, PersonHandler>(PersonHandler.SchemeName, null)
                .AddFlowBeaconApiKey();
            builder.Services.AddAuthorizationBuilder().AddPolicy("ops", RoleIs("ops")).SetDefaultPolicy(RoleIs("ops"));

            // The framework stops a request for an endpoint that the authorization middleware has not seen, unless the host forbids it.
            builder.Services.Configure<RouteOptions>(options => options.SuppressCheckForUnhandledSecurityMetadata = true);
            configure?.Invoke(builder);
        },
        pipeline: web =>
        {
            PipelineOrder.Build(web, order);
            RouteGroupBuilder outer = web.MapGroup("");
            group?.Invoke(outer);
            IEndpointConventionBuilder endpoint = outer.MapFlowBeaconHealth();
            health?.Invoke(endpoint);
        });

    private static void Require(IEndpointConventionBuilder endpoints, string way) => _ = way switch
    {
        "named policy" => endpoints.RequireAuthorization("ops"),
        "policy object alone" => endpoints.WithMetadata(RoleIs("ops")),
        "default policy" => endpoints.RequireAuthorization(),
        "requirement data" => endpoints.WithMetadata(new NeedsOpsAttribute()),
        _ => endpoints,
    };

    private static AuthorizationPolicy RoleIs(string role) => new AuthorizationPolicyBuilder().RequireRole(role).Build();

    /// <summary>Requirements without a policy, as metadata.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class NeedsOpsAttribute : Attribute, IAuthorizationRequirementData
    {
        public IEnumerable<IAuthorizationRequirement> GetRequirements() => RoleIs("ops").Requirements;
    }
}
