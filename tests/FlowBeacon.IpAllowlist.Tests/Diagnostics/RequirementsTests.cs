using System.Net;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>Parts that are used without what they need stop the start, and the message names the missing call.</summary>
public sealed class RequirementsTests
{
    private const string AddScheme = "builder.Services.AddAuthentication().AddFlowBeaconApiKey()";

    private static readonly AuthorizeAttribute ByKey = new()
    {
        AuthenticationSchemes = $"Other, {ApiKeyAuthenticationDefaults.AuthenticationScheme}",
    };

    /// <summary>Endpoints that admit only keys, by the scheme.</summary>
    public static TheoryData<string, Action<WebApplication>> KeyedEndpoints => new()
    {
        { "a scope", app => app.MapGet("/keyed", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead) },
        {
            "a scope of a group", app => app.MapGroup("/group").RequireApiKeyScope(ApiKeyScopes.GovernanceRead).MapGet("/keyed", () => "in")
        },
        { "the scheme by its name", app => app.MapGet("/keyed", () => "in").RequireAuthorization(ByKey) },
    };

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task The_scheme_without_the_check_names_the_call(string environment)
    {
        string message = await RefusalAsync(
            environment,
            services =>
            {
                services.AddAuthentication().AddFlowBeaconApiKey();
                services.AddAuthorization();
            },
            app => app.MapGet("/", () => "in"));

        message.Should().Contain("AddFlowBeaconApiKey()").And.Contain("builder.Services.AddFlowBeaconIpAllowlist()");
    }

    [Theory]
    [MemberData(nameof(KeyedEndpoints))]
    public async Task A_keyed_endpoint_without_the_scheme_names_the_call(string kind, Action<WebApplication> map)
    {
        string message = await RefusalAsync(
            "Production",
            services =>
            {
                services.AddFlowBeaconIpAllowlist();
                services.AddAuthentication();
                services.AddAuthorization();
            },
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                map(app);
            });

        message.Should().Contain("/keyed", kind).And.Contain(AddScheme);
    }

    [Theory]
    [MemberData(nameof(KeyedEndpoints))]
    public async Task A_keyed_endpoint_without_authorization_names_the_call(string kind, Action<WebApplication> map)
    {
        string message = await RefusalAsync(
            "Production",
            services =>
            {
                services.AddFlowBeaconIpAllowlist();
                services.AddAuthentication().AddFlowBeaconApiKey();
            },
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                map(app);
            });

        message.Should().Contain("/keyed", kind).And.Contain("builder.Services.AddAuthorization()");
    }

    [Fact]
    public async Task All_missing_calls_are_named_at_once()
    {
        string message = await RefusalAsync(
            "Production",
            services => services.AddFlowBeaconIpAllowlist(),
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapGet("/keyed", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            });

        message.Should().Contain(AddScheme).And.Contain("builder.Services.AddAuthorization()");
    }

    [Fact]
    public async Task A_keyed_endpoint_of_a_host_that_forgot_UseAuthorization_names_the_call()
    {
        using IHost host = WithStartup(app =>
        {
            app.UseRouting();
            app.UseFlowBeaconIpAllowlist();
            app.UseEndpoints(endpoints => endpoints.MapGet("/keyed", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead));
        });

        Func<Task> start = () => host.StartAsync(TestContext.Current.CancellationToken);

        (await start.Should().ThrowAsync<InvalidOperationException>())
            .Which.Message.Should().Contain("/keyed").And.Contain("app.UseAuthorization()");
    }

    [Fact]
    public async Task Authorization_in_the_branch_that_has_the_endpoints_is_enough()
    {
        using IHost host = WithStartup(app => app.MapWhen(_ => true, branch =>
        {
            branch.UseRouting();
            branch.UseFlowBeaconIpAllowlist();
            branch.UseAuthorization();
            branch.UseEndpoints(endpoints => endpoints.MapGet("/keyed", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead));
        }));

        Func<Task> start = () => host.StartAsync(TestContext.Current.CancellationToken);

        await start.Should().NotThrowAsync();
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_host_without_keyed_endpoints_needs_no_authorization()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", () => "in").RequireApiKey();
        });

        (await app.GetAsync()).Status.Should().Be(401);
    }

    /// <summary>Which of the two is added first does not matter.</summary>
    [Theory]
    [InlineData("Development", true)]
    [InlineData("Development", false)]
    [InlineData("Production", true)]
    public async Task The_scheme_may_be_added_before_the_check_and_after_it(string environment, bool schemeFirst)
    {
        await using WebApplication app = Build(
            environment,
            services =>
            {
                services.AddSingleton<IApiKeyStore>(SchemeKeys.Store());
                AuthenticationBuilder authentication = services.AddAuthentication();
                if (schemeFirst)
                {
                    authentication.AddFlowBeaconApiKey();
                }

                services.AddFlowBeaconIpAllowlist();
                if (!schemeFirst)
                {
                    authentication.AddFlowBeaconApiKey();
                }

                services.AddAuthorization();
            },
            web =>
            {
                web.UseFlowBeaconIpAllowlist();
                web.MapGet("/", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            });
        await app.StartAsync(TestContext.Current.CancellationToken);

        RawResponse response = await KestrelApp.SendAsync(
            IPEndPoint.Parse(app.Urls.Single()["http://".Length..]),
            "GET",
            "/",
            HeaderLine.Bearer(SchemeKeys.Reader),
            HeaderLine.ForwardedFor(SchemeKeys.Listed));

        response.Status.Should().Be(200);
    }

    [Fact]
    public async Task A_scope_that_the_host_does_not_have_is_named_with_those_it_has()
    {
        string message = await RefusalOfScopesAsync(
            null,
            app =>
            {
                app.MapGet("/typo", () => "in").RequireApiKeyScope("governance:raed");
                app.MapGet("/right", () => "in").RequireApiKeyScope(ApiKeyScopes.Admin);
                app.MapGroup("/group").RequireApiKeyScope("Admin").MapGet("/inner", () => "in").RequireApiKeyScope(ApiKeyScopes.Admin);
            });

        const string Known = "is not a scope; the scopes are governance:read, governance:evaluate, admin.";
        message.Should().Contain($"'HTTP: GET /typo' requires a scope that no key can have: 'governance:raed' {Known}")
            .And.Contain($"'HTTP: GET /group/inner' requires a scope that no key can have: 'Admin' {Known}")
            .And.NotContain("/right")
            .And.EndWith("Correct the scope, or add it to options.Scopes.");
    }

    [Fact]
    public async Task FlowBeacons_scopes_are_unknown_to_a_host_with_scopes_of_its_own()
    {
        (await RefusalOfScopesAsync(["reports:read"], app => app.MapGet("/", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead)))
            .Should().Contain("'governance:read' is not a scope; the scopes are reports:read.");
        (await RefusalOfScopesAsync([], app => app.MapGet("/", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead)))
            .Should().Contain("'governance:read' is not a scope; this application has none.");
    }

    [Fact]
    public async Task A_host_with_scopes_of_its_own_admits_keys_that_have_them()
    {
        InMemoryApiKeyStore store = SchemeKeys.Store();
        store.Set(SchemeKeys.Create(TestKeys.Unknown, "reporter", ["reports:read"]));
        await using WebApplication app = Build("Production", services => AddScopes(services, ["reports:read"], store), web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", () => "in").RequireApiKeyScope("reports:read");
        });
        await app.StartAsync(TestContext.Current.CancellationToken);

        (await StatusAsync(TestKeys.Unknown)).Should().Be(200);
        (await StatusAsync(SchemeKeys.Reader)).Should().Be(403, "it has a scope, and not this one");

        async Task<int> StatusAsync(string rawKey) => (await KestrelApp.SendAsync(
            IPEndPoint.Parse(app.Urls.Single()["http://".Length..]), "GET", "/",
            HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(SchemeKeys.Listed))).Status;
    }

    [Fact]
    public async Task Administration_of_another_store_names_the_call()
    {
        string message = await RefusalAsync(
            "Production",
            services =>
            {
                services.AddSingleton<IApiKeyStore>(new ScriptedStore((_, _) => default));
                services.AddFlowBeaconIpAllowlist().AddKeyManagement();
                services.AddAuthorization();
            },
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapFlowBeaconApiKeys();
            });

        message.Should().Contain(nameof(ScriptedStore)).And.Contain($"builder.Services.AddSingleton<{nameof(IApiKeyRepository)}, …>()");
    }

    private static Task<string> RefusalOfScopesAsync(IReadOnlyList<string>? scopes, Action<WebApplication> map) => RefusalAsync(
        "Production",
        services => AddScopes(services, scopes, SchemeKeys.Store()),
        app =>
        {
            app.UseFlowBeaconIpAllowlist();
            map(app);
        });

    private static void AddScopes(IServiceCollection services, IReadOnlyList<string>? scopes, IApiKeyStore store)
    {
        services.AddSingleton(store);
        services.AddFlowBeaconIpAllowlist(options => options.Scopes = scopes);
        services.AddAuthentication().AddFlowBeaconApiKey();
        services.AddAuthorization();
    }

    private static async Task<string> RefusalAsync(
        string environment, Action<IServiceCollection> configure, Action<WebApplication> pipeline)
    {
        Func<Task> start = async () =>
        {
            await using WebApplication app = Build(environment, configure, pipeline);
            await app.StartAsync(TestContext.Current.CancellationToken);
        };
        return (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message;
    }

    private static WebApplication Build(string environment, Action<IServiceCollection> configure, Action<WebApplication> pipeline)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        configure(builder.Services);
        WebApplication app = builder.Build();
        pipeline(app);
        return app;
    }

    /// <summary>A host whose pipeline adds nothing by itself, as those with a Startup class.</summary>
    private static IHost WithStartup(Action<IApplicationBuilder> pipeline) => new HostBuilder().ConfigureWebHost(web => web
        .UseKestrel()
        .UseUrls("http://127.0.0.1:0")
        .ConfigureServices(services =>
        {
            services.AddRouting();
            services.AddFlowBeaconIpAllowlist();
            services.AddAuthentication().AddFlowBeaconApiKey();
            services.AddAuthorization();
        })
        .Configure(pipeline)).Build();
}
