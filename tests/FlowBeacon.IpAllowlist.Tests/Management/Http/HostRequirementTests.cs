using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Authorization that a host adds to the key administration endpoints counts in addition to the named policy.</summary>
/// <remarks>The role <c>mfa</c> stands for a second factor.</remarks>
public sealed class HostRequirementTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Usual = "Authentication > Allowlist > Authorization";
    private const string WithoutFactor = KeyApiHost.Administrator;
    private const string WithFactor = "alice admin mfa";
    private const string Requirement = "Requirement not met";
    private const string RoleRequired = "Admin or owner role required";
    private const string PolicyNotMet = "Administration policy not met";
    private const string SignInRequired = "Sign in required";

    public static TheoryData<string> Ways { get; } =
    [
        "named policy", "named policy on an outer group", "policy object", "policy object alone", "policy object on an outer group",
        "roles of an attribute", "default policy", "requirement data", "requirement data on an outer group", "fallback policy",
    ];

    public static TheoryData<string> Orders => [.. PipelineOrder.All];

    /// <summary>A fallback policy that sees no endpoint is applied to every request, by the framework alone.</summary>
    public static TheoryData<string, string> WaysAndOrders => new(
        from way in new[] { "named policy", "requirement data", "fallback policy" }
        from order in PipelineOrder.All
        where way != "fallback policy" || PipelineOrder.RoutesBeforeAuthorizing(order)
        select (way, order));

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task An_administrator_who_does_not_meet_it_is_always_refused(string way)
    {
        await using KeyApiHost host = await StartAsync(way);
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;

        await EveryOperationIsRefusedAsync(host, victim, 403, Requirement, $"{PersonHandler.Header}: {WithoutFactor}");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task An_administrator_who_meets_it_gets_in(string way)
    {
        await using KeyApiHost host = await StartAsync(way);

        (await host.SendAsync(WithFactor, "GET", Keys)).Status.Should().Be(200);
        (await host.SendAsync(WithFactor, "POST", Keys, """{"name":"a","allowed_ips":[]}""")).Status.Should().Be(201);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Meeting_it_does_not_replace_the_role(string way)
    {
        await using KeyApiHost host = await StartAsync(way);
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All });
        string victim = key.Details.Key.Id;

        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, $"{PersonHandler.Header}: bob mfa");
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(key.RawKey));
        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task It_binds_people_and_not_a_break_glass_key(string way)
    {
        const string LockedOut = "198.51.100.9";
        await using KeyApiHost host = await StartAsync(way);
        IssuedApiKey victim = await host.CreateAsync("victim", "203.0.113.7");
        string[] glass = [KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey), $"X-Forwarded-For: {LockedOut}"];
        (await host.UseAsync(victim.RawKey, LockedOut)).Should().Be(403);

        foreach (string? person in new[] { null, WithoutFactor })
        {
            (await host.SendAsync(person, "GET", Keys, null, glass)).Status.Should().Be(200);
            (await host.SendAsync(person, "POST", Keys, "{}", glass)).Status.Should().Be(403);
        }

        (await host.SendAsync(null, "POST", $"{Keys}/{victim.Details.Key.Id}/recover", null, glass)).Status.Should().Be(200);
    }

    [Theory]
    [MemberData(nameof(WaysAndOrders))]
    public async Task It_counts_in_whatever_order_the_middleware_stands(string way, string order)
    {
        await using KeyApiHost host = await StartAsync(way, order);

        (await host.SendAsync(WithoutFactor, "GET", Keys)).Status.Should().Be(403);
        (await host.SendAsync(WithoutFactor, "POST", Keys, """{"name":"a","allowed_ips":[]}""")).Status.Should().Be(403);
        (await host.SendAsync(WithFactor, "POST", Keys, """{"name":"b","allowed_ips":[]}""")).Status.Should().Be(201);
        (await host.SnapshotAsync()).Select(key => key.Key.Name).Should().Equal("b");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task It_is_decided_before_the_body_is_read(string way)
    {
        await using KeyApiHost host = await StartAsync(way);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.App.IPv4, TestContext.Current.CancellationToken);

        // The headers of a request without its body: code that waits for the body never completes.
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {Keys} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
            + $"{PersonHandler.Header}: {WithoutFactor}\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        string? status = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        status.Should().Be("HTTP/1.1 403 Forbidden");
    }

    [Fact]
    public async Task Several_count_together()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            AddPolicies,
            group: keys => keys.RequireAuthorization("mfa").WithMetadata(new NeedsRoleAttribute("on-site")),
            outer: web => web.MapGroup("").RequireAuthorization(policy => policy.RequireRole("trained")));

        foreach (string person in new[] { "alice admin mfa on-site", "alice admin mfa trained", "alice admin on-site trained" })
        {
            (await host.SendAsync(person, "GET", Keys)).ShouldBeProblem(403, Requirement);
        }

        (await host.SendAsync("alice mfa on-site trained", "GET", Keys)).ShouldBeProblem(403, RoleRequired);
        (await host.SendAsync("alice admin mfa on-site trained", "GET", Keys)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Allowing_anonymous_does_not_switch_it_off()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            AddPolicies, group: keys => keys.RequireAuthorization("mfa").AllowAnonymous(), outer: web => web.MapGroup("").AllowAnonymous());

        (await host.SendAsync(WithoutFactor, "GET", Keys)).ShouldBeProblem(403, Requirement);
        (await host.SendAsync(WithFactor, "GET", Keys)).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_fallback_policy_does_not_count_where_the_endpoints_carry_authorization_of_their_own()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(RoleIs("mfa")),
            group: keys => keys.RequireAuthorization(ApiKeyAdministration.PolicyName));

        (await host.SendAsync(WithoutFactor, "GET", Keys)).Status.Should().Be(200);
        (await host.SendAsync("bob mfa", "GET", Keys)).ShouldBeProblem(403, RoleRequired);
    }

    [Fact]
    public async Task A_policy_that_is_not_defined_lets_nobody_in()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(group: keys => keys.RequireAuthorization("misspelt"));

        (await host.SendAsync(WithFactor, "GET", Keys)).Status.Should().Be(500);
        host.App.Logs.Entries.Should().Contain(entry => entry.Exception != null && entry.Exception.Message.Contains("'misspelt'"));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Its_schemes_authenticate_the_person(string order)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => AddBadges(builder),
            group: keys => keys.RequireAuthorization(policy => policy.AddAuthenticationSchemes(BadgeHandler.SchemeName).RequireRole("mfa")),
            pipeline: web => PipelineOrder.Build(web, order));

        (await host.SendAsync(WithFactor, "GET", Keys)).ShouldBeProblem(401, SignInRequired);
        (await host.SendAsync(WithFactor, "GET", Keys, null, Badge("bob mfa"))).ShouldBeProblem(403, RoleRequired);
        (await host.SendAsync(null, "GET", Keys, null, Badge(WithoutFactor))).ShouldBeProblem(403, Requirement);
        (await host.SendAsync(null, "GET", Keys, null, Badge(WithFactor))).Status.Should().Be(200);
    }

    /// <summary>Otherwise adding a requirement would open the administration to the people of another scheme.</summary>
    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Its_schemes_do_not_satisfy_a_named_policy_that_asks_for_another_one(string order)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder =>
            {
                AddBadges(builder);
                builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                    .AddAuthenticationSchemes(PersonHandler.SchemeName).RequireRole("admin"));
            },
            group: keys => keys.RequireAuthorization(policy => policy.AddAuthenticationSchemes(BadgeHandler.SchemeName).RequireRole("mfa")),
            pipeline: web => PipelineOrder.Build(web, order));

        (await host.SendAsync(null, "GET", Keys, null, Badge(WithFactor))).ShouldBeProblem(401, SignInRequired);
        (await host.SendAsync("bob member", "GET", Keys, null, Badge(WithFactor))).ShouldBeProblem(403, PolicyNotMet);
        (await host.SendAsync(WithFactor, "GET", Keys)).ShouldBeProblem(403, Requirement);
        (await host.SendAsync(WithoutFactor, "GET", Keys, null, Badge("alice mfa"))).Status.Should().Be(200);
        (await host.AuditAsync())[0].Actor.Id.Should().Be("alice");
    }

    /// <summary>The named policy's scheme authenticates the administrator; a policy without schemes judges the same person.</summary>
    [Fact]
    public async Task Without_schemes_it_judges_the_person_of_the_named_policy()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder =>
            {
                AddPolicies(builder);
                AddBadges(builder);
                builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                    .AddAuthenticationSchemes(BadgeHandler.SchemeName).RequireRole("admin"));
            },
            group: keys => keys.RequireAuthorization("mfa"));

        (await host.SendAsync(WithFactor, "GET", Keys, null, Badge(WithoutFactor))).ShouldBeProblem(403, Requirement);
        (await host.SendAsync(null, "GET", Keys, null, Badge(WithFactor))).Status.Should().Be(200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_API_key_does_not_meet_it_for_a_person(bool namesBothSchemes)
    {
        string[] schemes = namesBothSchemes
            ? [ApiKeyAuthenticationDefaults.AuthenticationScheme, PersonHandler.SchemeName]
            : [ApiKeyAuthenticationDefaults.AuthenticationScheme];
        await using KeyApiHost host = await KeyApiHost.StartAsync(group: keys => keys.RequireAuthorization(policy => policy
            .AddAuthenticationSchemes(schemes).RequireClaim(ApiKeyAuthenticationDefaults.ScopeClaim, ApiKeyScopes.Admin)));
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All });

        (await host.SendAsync(WithFactor, "GET", Keys, null, KeyApiHost.Bearer(key.RawKey))).Status.Should().Be(403);
        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(key.RawKey))).ShouldBeProblem(403, RoleRequired);
    }

    private static async Task EveryOperationIsRefusedAsync(
        KeyApiHost host, string id, int status, string title, params string[] headerLines)
    {
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        foreach (KeyOperation operation in KeyOperation.All)
        {
            Answer answer = await host.SendAsync(null, operation.Method, operation.Target(id), operation.Body, headerLines);

            answer.Status.Should().Be(status, $"{operation.Name}: {answer.Body}");
            answer.ShouldBeProblem(status, title);
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    private static Task<KeyApiHost> StartAsync(string way, string order = Usual) => KeyApiHost.StartAsync(
        builder =>
        {
            AddPolicies(builder);
            AllowAuthorizationOutOfSight(builder);
            if (way == "default policy")
            {
                builder.Services.AddAuthorizationBuilder().SetDefaultPolicy(RoleIs("mfa"));
            }
            else if (way == "fallback policy")
            {
                builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(RoleIs("mfa"));
            }
        },
        group: keys => Require(keys, way, onOuterGroup: false),
        pipeline: web => PipelineOrder.Build(web, order),
        outer: web =>
        {
            RouteGroupBuilder group = web.MapGroup("");
            Require(group, way, onOuterGroup: true);
            return group;
        });

    private static void Require(IEndpointConventionBuilder endpoints, string way, bool onOuterGroup) => _ = (way, onOuterGroup) switch
    {
        ("named policy", false) or ("named policy on an outer group", true) => endpoints.RequireAuthorization("mfa"),
        ("policy object", false) or ("policy object on an outer group", true) =>
            endpoints.RequireAuthorization(policy => policy.RequireRole("mfa")),
        ("policy object alone", false) => endpoints.WithMetadata(RoleIs("mfa")),
        ("roles of an attribute", false) => endpoints.RequireAuthorization(new AuthorizeAttribute { Roles = "mfa" }),
        ("default policy", false) => endpoints.RequireAuthorization(),
        ("requirement data", false) or ("requirement data on an outer group", true) =>
            endpoints.WithMetadata(new NeedsRoleAttribute("mfa")),
        _ => endpoints,
    };

    /// <summary>
    /// The framework stops a request for an endpoint that the authorization middleware has not seen, unless the host forbids it.
    /// </summary>
    private static void AllowAuthorizationOutOfSight(WebApplicationBuilder builder) =>
        builder.Services.Configure<RouteOptions>(options => options.SuppressCheckForUnhandledSecurityMetadata = true);

    private static void AddPolicies(WebApplicationBuilder builder) =>
        builder.Services.AddAuthorizationBuilder().AddPolicy("mfa", RoleIs("mfa"));

    private static void AddBadges(WebApplicationBuilder builder)
    {
        AllowAuthorizationOutOfSight(builder);
        builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, BadgeHandler>(BadgeHandler.SchemeName, null);
    }

    private static AuthorizationPolicy RoleIs(string role) => new AuthorizationPolicyBuilder().RequireRole(role).Build();

    private static string Badge(string person) => $"{BadgeHandler.Header}: {person}";

    /// <summary>Signs people in like <see cref="PersonHandler"/>, by a header and under a name of its own.</summary>
    private sealed class BadgeHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string SchemeName = "Badge";
        public const string Header = "X-Badge";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            string[] words = Request.Headers[Header].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            IEnumerable<Claim> roles = words.Skip(1).Select(role => new Claim(ClaimTypes.Role, role));
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, words[0]), .. roles], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }

    /// <summary>Requirements without a policy, as metadata.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class NeedsRoleAttribute(string role) : Attribute, IAuthorizationRequirementData
    {
        public IEnumerable<IAuthorizationRequirement> GetRequirements() => RoleIs(role).Requirements;
    }
}
