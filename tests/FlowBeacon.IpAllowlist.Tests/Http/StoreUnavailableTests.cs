using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>An unavailable store: 503 for requests with a credential; all else is unchanged.</summary>
public sealed class StoreUnavailableTests
{
    private const string Problem =
        """{"type":"urn:flowbeacon:problems/keys-unavailable","title":"API keys unavailable","status":503,"detail":""";

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Unrestricted);

    public static TheoryData<string> Ways => ReadyStore.Ways;

    public static TheoryData<double, string> Waits => new()
    {
        { 0, "1" },
        { 0.2, "1" },
        { 1, "1" },
        { 1.5, "2" },
        { 90, "90" },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_request_with_a_key_is_answered_503_until_the_store_is_ready(string way)
    {
        bool isReady = false;
        int runs = 0;
        await using KestrelApp app = await StartAsync(way, () => isReady, () => runs++);

        RawResponse refused = await app.GetAsync(Key);

        refused.Status.Should().Be(503);
        refused.Headers.Should().Contain("Retry-After", "3").And.Contain("Content-Type", "application/problem+json")
            .And.Contain("Cache-Control", "no-store");
        refused.Content.Should().StartWith(Problem).And.NotContain("loaded");
        runs.Should().Be(0);

        isReady = true;
        (await app.GetAsync(Key)).Status.Should().Be(200);
        runs.Should().Be(1);
    }

    [Theory]
    [InlineData(TestKeys.Restricted)]
    [InlineData(TestKeys.Unknown)]
    [InlineData(TestKeys.Revoked)]
    [InlineData("a.jwt.token")]
    public async Task A_credential_that_cannot_be_looked_up_is_never_passed_on(string credential)
    {
        int runs = 0;
        await using KestrelApp app = await StartAsync("in memory", () => false, () => runs++);

        (await app.GetAsync(HeaderLine.Bearer(credential))).Status.Should().Be(503);
        runs.Should().Be(0);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_request_that_needs_no_look_up_is_not_affected(string way)
    {
        await using KestrelApp app = await StartAsync(way, () => false);

        (await app.GetAsync()).Content.Should().Be("NoKey");
        (await app.GetAsync("Authorization: Basic dXNlcjpwYXNz")).Content.Should().Be("NoKey");
        (await app.GetAsync("Authorization: Bearer fb_live_1, Bearer fb_live_2")).Status.Should().Be(401);
    }

    [Theory]
    [MemberData(nameof(Waits))]
    public async Task Retry_After_is_in_whole_seconds(double seconds, string header)
    {
        IApiKeyStore store = ReadyStore.Create("in memory", TestKeys.Store(), () => false, TimeSpan.FromSeconds(seconds));
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        (await app.GetAsync(Key)).Headers["Retry-After"].Should().Be(header);
    }

    [Fact]
    public async Task A_HEAD_request_gets_the_same_headers_and_no_body()
    {
        await using KestrelApp app = await StartAsync("in memory", () => false);

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "HEAD", "/", Key);

        response.Status.Should().Be(503);
        response.Headers.Should().Contain("Retry-After", "3");
        response.Body.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Is_counted_as_a_failure_of_the_store_and_as_no_check(string way)
    {
        await using KestrelApp app = await StartAsync(way, () => false);
        using var metrics = new MetricRecorder(app.Services);

        await app.GetAsync(Key);
        await app.GetAsync(Key);

        metrics.Of("store_failures").Should().Equal("1", "1");
        metrics.Of("checks").Should().BeEmpty();
    }

    [Fact]
    public async Task Is_logged_with_its_reason_once_a_minute()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2027, 1, 1, 12, 0, 0, TimeSpan.Zero));
        await using KestrelApp app = await StartAsync(
            "later", () => false, configure: builder => builder.Services.AddSingleton<TimeProvider>(time));

        await app.GetAsync(Key);
        await app.GetAsync(Key);
        Logged().Should().ContainSingle().Which.Should().BeEquivalentTo(new { Level = LogLevel.Warning, Id = new EventId(28) });

        time.Advance(TimeSpan.FromMinutes(1));
        await app.GetAsync(Key);
        Logged().Should().HaveCount(2).And.OnlyContain(entry => entry.Exception!.Message == "The keys are not loaded yet.");
        app.Logs.Entries.Should().NotContain(entry => entry.Level >= LogLevel.Error, "the store said so, so nothing is unhandled");

        IEnumerable<LogEntry> Logged() => app.Logs.OfLibrary.Where(entry => entry.Id.Name == "StoreUnavailable");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Health_answers_as_without_a_key(string way)
    {
        bool isReady = false;
        await using KestrelApp app = await StartAsync(way, () => isReady, map: web => web.MapFlowBeaconHealth());
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await app.GetPathAsync("/governance/health", Key);

        response.Status.Should().Be(200);
        Members(response).Should().Equal("ok", "service", "version");
        metrics.Of("checks").Should().BeEmpty();

        isReady = true;
        Members(await app.GetPathAsync("/governance/health", Key)).Should().Equal("ok", "service", "version", "client_ip");
    }

    [Theory]
    [InlineData("UseAuthentication before the check")]
    [InlineData("UseAuthentication behind the check")]
    [InlineData("no check")]
    public async Task The_scheme_makes_no_principal_and_answers_503(string order)
    {
        bool isReady = false;
        int runs = 0;
        await using KestrelApp app = await SchemeApp.StartAsync(
            web =>
            {
                if (order == "UseAuthentication behind the check")
                {
                    web.UseFlowBeaconIpAllowlist();
                }

                web.UseAuthentication();
                if (order == "UseAuthentication before the check")
                {
                    web.UseFlowBeaconIpAllowlist();
                }

                web.UseAuthorization();
                if (order == "no check")
                {
                    // Somewhere, because start-up demands it.
                    web.Map("/elsewhere", branch => branch.UseFlowBeaconIpAllowlist());
                }

                web.MapGet("/", () => runs++).RequireAuthorization(SchemeApp.OurScheme);
                web.MapGet("/who", (HttpContext context) => context.User.Identity?.IsAuthenticated.ToString()).DisableIpAllowlist();
            },
            store: ReadyStore.Create("later", TestKeys.Store(), () => isReady, TimeSpan.FromSeconds(3)));

        RawResponse response = await app.GetAsync(Key);
        response.Status.Should().Be(503);
        response.Headers.Should().Contain("Retry-After", "3");
        runs.Should().Be(0);
        (await app.GetPathAsync("/who", Key)).Content.Should().NotBe("True");

        isReady = true;
        (await app.GetAsync(Key)).Status.Should().Be(200);
        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown))).Status.Should().Be(401);
        runs.Should().Be(1);
    }

    [Fact]
    public async Task Where_a_policy_names_other_schemes_too_a_key_is_answered_503_and_people_are_not_affected()
    {
        int runs = 0;
        await using KestrelApp app = await SchemeApp.StartAsync(
            web =>
            {
                web.UseAuthentication();
                web.UseAuthorization();
                web.UseFlowBeaconIpAllowlist();
                web.MapGet("/", () => runs++).RequireAuthorization(policy => policy
                    .AddAuthenticationSchemes(PersonHandler.SchemeName, ApiKeyAuthenticationDefaults.AuthenticationScheme)
                    .RequireAuthenticatedUser());
            },
            configure: builder => builder.Services.AddAuthentication()
                .AddScheme<AuthenticationSchemeOptions, PersonHandler>(PersonHandler.SchemeName, null),
            store: ReadyStore.Create("later", TestKeys.Store(), () => false, TimeSpan.FromSeconds(3)));

        RawResponse refused = await app.GetAsync(Key);
        refused.Status.Should().Be(503);
        refused.Headers.Should().Contain("Retry-After", "3");
        (await app.GetAsync(Key, $"{PersonHandler.Header}: alice")).Status.Should().Be(503);
        runs.Should().Be(0);
        (await app.GetAsync($"{PersonHandler.Header}: alice")).Status.Should().Be(200);
        (await app.GetAsync()).Status.Should().Be(401);
    }

    [Fact]
    public async Task A_request_stays_refused_when_the_store_becomes_ready_under_way()
    {
        bool isReady = false;
        int runs = 0;
        await using KestrelApp app = await SchemeApp.StartAsync(
            web =>
            {
                web.UseAuthentication();
                web.Use((_, next) =>
                {
                    isReady = true;
                    return next();
                });
                web.UseFlowBeaconIpAllowlist();
                web.UseAuthorization();
                web.MapGet("/", () => runs++);
            },
            configure: builder => builder.Services.Configure<AuthenticationOptions>(
                options => options.DefaultScheme = ApiKeyAuthenticationDefaults.AuthenticationScheme),
            store: ReadyStore.Create("later", TestKeys.Store(), () => isReady, TimeSpan.FromSeconds(3)));

        (await app.GetAsync(Key)).Status.Should().Be(503);
        runs.Should().Be(0);
        (await app.GetAsync(Key)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Where_the_answer_has_started_the_connection_is_cut()
    {
        int runs = 0;
        await using KestrelApp app = await KestrelApp.StartAsync(
            ReadyStore.Create("in memory", TestKeys.Store(), () => false, TimeSpan.FromSeconds(3)),
            pipeline: web =>
            {
                web.Use(async (context, next) =>
                {
                    await context.Response.StartAsync();
                    await next();
                });
                web.UseFlowBeaconIpAllowlist();
                web.Run(_ =>
                {
                    runs++;
                    return Task.CompletedTask;
                });
            });

        await ((Func<Task>)(() => app.GetAsync(Key))).Should().ThrowAsync<Exception>();
        runs.Should().Be(0);
    }

    [Fact]
    public void A_wait_is_not_negative()
    {
        ((Action)(() => _ = new ApiKeyStoreUnavailableException("Stale.", TimeSpan.FromSeconds(-1))))
            .Should().Throw<ArgumentOutOfRangeException>().WithParameterName("retryAfter");
    }

    private static IEnumerable<string> Members(RawResponse response) =>
        JsonDocument.Parse(response.Content).RootElement.EnumerateObject().Select(member => member.Name);

    private static Task<KestrelApp> StartAsync(
        string way, Func<bool> isReady, Action? endpoint = null, Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? configure = null) =>
        KestrelApp.StartAsync(
            ReadyStore.Create(way, TestKeys.Store("203.0.113.7"), isReady, TimeSpan.FromSeconds(3)),
            configure: configure,
            pipeline: web =>
            {
                web.UseFlowBeaconIpAllowlist();
                map?.Invoke(web);
                web.MapGet("/", (HttpContext context) =>
                {
                    endpoint?.Invoke();
                    return context.Features.Get<IIpAllowlistFeature>()!.Outcome.ToString();
                });
            });
}
