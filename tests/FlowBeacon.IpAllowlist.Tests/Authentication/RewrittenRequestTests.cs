using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>
/// Middleware that changes the key or the client address of a request between those who ask for the verdict: whoever acts derives both
/// again.
/// </summary>
public sealed class RewrittenRequestTests
{
    private const string CdnHeader = "X-Cdn-Client";

    private static readonly string Key = HeaderLine.Bearer(SchemeKeys.Evaluator);
    private static readonly string ForgedAsListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);

    [Fact]
    public async Task A_forged_header_that_the_host_overwrites_in_front_of_the_check_admits_nobody_with_automatic_authentication()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.Use(TakeAddressFromCdn);
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/open", () => "open");
        });

        (await app.GetPathAsync("/open", Key, ForgedAsListed, $"{CdnHeader}: {SchemeKeys.NotListed}")).Status.Should().Be(403);
        (await app.GetPathAsync("/open", Key, HeaderLine.ForwardedFor(SchemeKeys.NotListed), $"{CdnHeader}: {SchemeKeys.Listed}")).Status
            .Should().Be(200);
    }

    [Theory]
    [InlineData("127.0.0.1", SchemeKeys.NotListed, 403)]
    [InlineData(SchemeKeys.Listed, SchemeKeys.Listed, 200)]
    public async Task The_peer_that_UseForwardedHeaders_sets_decides_with_automatic_authentication(string listed, string client, int status)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor });
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/open", () => "open");
            },
            options => options.ClientIpSource = ClientIpSource.PeerAddress,
            TestKeys.Store(listed));

        RawResponse response = await app.GetPathAsync("/open", HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(client));

        response.Status.Should().Be(status, response.Content);
    }

    [Theory]
    [InlineData(SchemeKeys.NotListed, SchemeKeys.Listed, 403)]
    [InlineData(SchemeKeys.Listed, SchemeKeys.NotListed, 403)]
    [InlineData(SchemeKeys.Listed, SchemeKeys.Listed, 200)]
    public async Task A_scope_needs_an_address_that_is_allowed_when_authorization_decides(string first, string then, int status)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseRouting();
            pipeline.UseAuthentication();
            pipeline.Use(TakeAddressFromCdn);
            pipeline.UseAuthorization();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        });

        RawResponse response = await app.GetPathAsync("/scope", Key, HeaderLine.ForwardedFor(first), $"{CdnHeader}: {then}");

        response.Status.Should().BeOneOf(status, first == then ? status : 401);
        response.Content.Should().NotBe(status == 200 ? "" : "scope");
    }

    [Fact]
    public async Task An_endpoint_without_the_check_serves_no_key_whose_address_changed_after_authentication()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseRouting();
            pipeline.UseAuthentication();
            pipeline.Use(TakeAddressFromCdn);
            pipeline.UseAuthorization();
            pipeline.UseWhen(context => context.Request.Path == "/elsewhere", branch => branch.UseFlowBeaconIpAllowlist());
            pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        });

        (await app.GetPathAsync("/scope", Key, ForgedAsListed, $"{CdnHeader}: {SchemeKeys.NotListed}")).Status.Should().Be(403);
        (await app.GetPathAsync("/scope", Key, ForgedAsListed, $"{CdnHeader}: {SchemeKeys.Listed}")).Status.Should().Be(200);
    }

    [Theory]
    [InlineData("/open")]
    [InlineData("/scope")]
    public async Task A_principal_whose_key_is_gone_when_the_check_runs_is_refused_and_the_remedy_is_logged_once(string path)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseRouting();
            pipeline.UseAuthentication();
            pipeline.UseAuthorization();
            pipeline.Use((context, next) =>
            {
                context.Request.Headers.Authorization = default;
                return next(context);
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/open", (HttpContext context) => context.User.Identity?.Name ?? "nobody");
            pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        }, configure: builder => builder.Services.AddAuthentication(ApiKeyAuthenticationDefaults.AuthenticationScheme));

        (await app.GetPathAsync(path, Key, ForgedAsListed)).Status.Should().Be(401);
        (await app.GetPathAsync(path, Key, ForgedAsListed)).Status.Should().Be(401);

        app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "ChangedBeforeCheck")
            .Which.Message.Should().Contain("UseAuthentication()").And.Contain("UseFlowBeaconIpAllowlist()");
    }

    [Fact]
    public async Task A_key_that_authentication_refused_is_refused_for_good_and_is_no_use()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseRouting();
            pipeline.UseAuthentication();
            pipeline.Use(TakeAddressFromCdn);
            pipeline.UseAuthorization();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        }, configure: builder => builder.Services.AddAuthentication(ApiKeyAuthenticationDefaults.AuthenticationScheme));

        RawResponse response = await app.GetPathAsync(
            "/scope", Key, HeaderLine.ForwardedFor(SchemeKeys.NotListed), $"{CdnHeader}: {SchemeKeys.Listed}");

        response.Status.Should().Be(401);
        app.Services.GetRequiredService<IApiKeyTraffic>().ReadSources("evaluator").Sources.Should().BeEmpty();
    }

    [Fact]
    public async Task A_key_that_appears_behind_the_check_is_no_principal()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseRouting();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Use((context, next) =>
            {
                context.Request.Headers.Authorization = context.Request.Headers["X-Late"];
                return next(context);
            });
            pipeline.UseAuthentication();
            pipeline.UseAuthorization();
            pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        });

        (await app.GetPathAsync("/scope", $"X-Late: Bearer {SchemeKeys.Evaluator}", ForgedAsListed)).Status.Should().Be(401);
        (await app.GetPathAsync("/scope", Key, $"X-Late: Bearer {SchemeKeys.Anywhere}", ForgedAsListed)).Status.Should().Be(401);
        app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "ChangedBehindCheck")
            .Which.Message.Should().Contain("UseFlowBeaconIpAllowlist()");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_entry_that_expires_between_check_and_authentication_denies_and_is_not_called_a_changed_request(bool checkFirst)
    {
        var time = new FakeTimeProvider(ManagedKeys.Start);
        InMemoryApiKeyStore store = SchemeKeys.Store();
        var entry = new IpAllowlistEntry { Text = SchemeKeys.Listed, ExpiresAt = time.GetUtcNow().AddHours(1) };
        store.Set(store.FindById("evaluator")! with { AllowedIps = IpAddressSet.ReadStored([entry], out _) });
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseRouting();
                pipeline = checkFirst ? Checked(pipeline) : Authenticated(pipeline);
                pipeline.Use((context, next) =>
                {
                    time.Advance(TimeSpan.FromHours(1));
                    return next(context);
                });
                pipeline = checkFirst ? Authenticated(pipeline) : Checked(pipeline);
                pipeline.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            },
            store: store,
            configure: builder => builder.Services.AddSingleton<TimeProvider>(time));

        (await app.GetPathAsync("/scope", Key, ForgedAsListed)).Status.Should().Be(403);

        app.Logs.OfLibrary.Should().NotContain(log => log.Id.Name == "ChangedBeforeCheck" || log.Id.Name == "ChangedBehindCheck");

        static WebApplication Checked(WebApplication pipeline)
        {
            pipeline.UseFlowBeaconIpAllowlist();
            return pipeline;
        }

        static WebApplication Authenticated(WebApplication pipeline)
        {
            pipeline.UseAuthentication();
            pipeline.UseAuthorization();
            return pipeline;
        }
    }

    [Fact]
    public async Task A_denial_stays_one_when_an_error_page_takes_another_entry_of_the_header()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(SchemeKeys.Listed),
            options =>
            {
                options.ClientIpSource = ClientIpSource.PeerAddress;
                options.OnDenied = (denied, _) =>
                {
                    denied.HandleResponse();
                    return ValueTask.CompletedTask;
                };
            },
            pipeline: pipeline =>
            {
                pipeline.UseStatusCodePagesWithReExecute("/error");
                var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
                forwarded.KnownProxies.Clear();
                forwarded.KnownIPNetworks.Clear();
                pipeline.UseForwardedHeaders(forwarded);
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/error", () => "error page");
            });

        RawResponse response = await KestrelApp.SendAsync(
            app.IPv4, "GET", "/guarded", HeaderLine.Bearer(TestKeys.Restricted),
            HeaderLine.ForwardedFor($"{SchemeKeys.Listed}, {SchemeKeys.NotListed}"));

        response.Status.Should().Be(403);
        response.Content.Should().NotContain("error page");
    }

    [Fact]
    public async Task Authentication_alone_does_not_satisfy_an_endpoint_that_requires_the_check()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseWhen(context => context.Request.Path == "/elsewhere", branch => branch.UseFlowBeaconIpAllowlist());
            pipeline.MapGet("/guarded", () => "guarded").RequireApiKey();
        });

        (await app.GetPathAsync("/guarded", Key, ForgedAsListed)).Status.Should().Be(500);
        app.Logs.Entries.Should().Contain(
            entry => entry.Exception != null && entry.Exception.Message.Contains("UseFlowBeaconIpAllowlist()", StringComparison.Ordinal));
    }

    private static Task TakeAddressFromCdn(HttpContext context, RequestDelegate next)
    {
        context.Request.Headers["X-Forwarded-For"] = context.Request.Headers[CdnHeader];
        return next(context);
    }
}
