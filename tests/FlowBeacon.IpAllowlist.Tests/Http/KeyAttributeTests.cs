using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>What endpoint methods say, said by attributes of handlers, controllers and actions.</summary>
public sealed class KeyAttributeTests
{
    private const string Listed = "203.0.113.7";

    private static readonly string[] AllowedRequest = [HeaderLine.Bearer(TestKeys.Unrestricted)];
    private static readonly Type[] Controllers =
    [
        typeof(AttributedControllers.RequiringController), typeof(AttributedControllers.ExemptController),
        typeof(AttributedControllers.SilentController),
    ];

    public static TheoryData<string, bool, int> RequestsWithoutKey => new()
    {
        { "/required", false, 401 },
        { "/optional", true, 200 },
        { "/disabled", true, 200 },
        { "/group-required/plain", false, 401 },
        { "/group-required/optional", true, 200 },
        { "/group-required/disabled", true, 200 },
        { "/group-disabled/required", false, 401 },
        { "/method-disabled", false, 401 },
        { "/method-required", true, 200 },
        { "/requiring/plain", false, 401 },
        { "/requiring/optional", true, 200 },
        { "/requiring/disabled", true, 200 },
        { "/exempt/plain", true, 200 },
        { "/exempt/required", false, 401 },
        { "/silent/plain", false, 200 },
        { "/silent/plain", true, 401 },
        { "/silent/required", false, 401 },
    };

    public static TheoryData<string> CheckedPaths =>
    [
        "/required", "/optional", "/group-required/optional", "/group-disabled/required", "/method-disabled", "/request-delegate",
        "/requiring/plain", "/requiring/optional", "/exempt/required", "/silent/required",
    ];

    public static TheoryData<string> DisabledPaths =>
        ["/disabled", "/group-required/disabled", "/method-required", "/requiring/disabled", "/exempt/plain"];

    [Theory]
    [MemberData(nameof(RequestsWithoutKey))]
    public async Task A_request_without_a_key_is_answered(string path, bool requiredByOption, int status)
    {
        await using KestrelApp app = await StartAsync(requiredByOption);

        (await KestrelApp.SendAsync(app.IPv4, "GET", path)).Status.Should().Be(status);
    }

    [Theory]
    [MemberData(nameof(CheckedPaths))]
    public async Task A_key_is_checked(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: false);

        (await SendAsync(TestKeys.Restricted, Listed)).Content.Should().Be("Allowed");
        (await SendAsync(TestKeys.Restricted, "198.51.100.9")).Status.Should().Be(403);
        (await SendAsync(TestKeys.Unrestricted, "198.51.100.9")).Content.Should().Be("Unrestricted");
        (await SendAsync(TestKeys.Unknown, Listed)).Status.Should().Be(401);

        Task<RawResponse> SendAsync(string rawKey, string address) =>
            KestrelApp.SendAsync(app.IPv4, "GET", path, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(address));
    }

    [Theory]
    [MemberData(nameof(DisabledPaths))]
    public async Task Where_the_check_is_disabled_no_key_is_looked_at(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: true);

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", path, HeaderLine.Bearer(TestKeys.Unknown));

        response.Status.Should().Be(200);
        response.Content.Should().Be("unchecked");
    }

    [Theory]
    [InlineData("required")]
    [InlineData("disabled")]
    public async Task An_attribute_overrides_the_metadata_of_all_controllers(string ofAll)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder => builder.AddControllers(Controllers),
            pipeline: web =>
            {
                web.UseFlowBeaconIpAllowlist();
                ControllerActionEndpointConventionBuilder all = web.MapControllers();
                _ = ofAll == "required" ? all.RequireApiKey() : all.DisableIpAllowlist();
            });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/silent/plain")).Status.Should().Be(ofAll == "required" ? 401 : 200);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/silent/required")).Status.Should().Be(401);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/requiring/plain")).Status.Should().Be(401);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/requiring/optional")).Content.Should().Be("NoKey");
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/requiring/disabled")).Content.Should().Be("unchecked");
    }

    [Theory]
    [MemberData(nameof(CheckedPaths))]
    public async Task An_unchecked_endpoint_does_not_run_and_names_the_missing_call(string path)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder => builder.AddControllers(Controllers),
            pipeline: web =>
            {
                web.UseWhen(context => context.Request.Path == "/elsewhere", branch => branch.UseFlowBeaconIpAllowlist());
                Map(web);
            });

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", path, AllowedRequest);

        response.Status.Should().Be(500);
        response.Content.Should().BeEmpty();
        Exceptions(app).Should().ContainSingle().Which.Should().Contain("app.UseFlowBeaconIpAllowlist()");
    }

    [Theory]
    [InlineData("/required")]
    [InlineData("/silent/required")]
    public async Task A_check_in_front_of_routing_admits_nobody_without_a_key(string path)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder => builder.AddControllers(Controllers),
            pipeline: web =>
            {
                web.UseFlowBeaconIpAllowlist();
                web.UseRouting();
                Map(web);
            });

        (await KestrelApp.SendAsync(app.IPv4, "GET", path)).Status.Should().Be(500);
        Exceptions(app).Should().ContainSingle().Which.Should().Contain("app.UseRouting()");
        (await KestrelApp.SendAsync(app.IPv4, "GET", path, AllowedRequest)).Status.Should().Be(200);
    }

    [Fact]
    public async Task An_attribute_that_is_added_as_metadata_guards_controllers_too()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder => builder.AddControllers(Controllers),
            pipeline: web =>
            {
                web.UseWhen(context => context.Request.Path == "/elsewhere", branch => branch.UseFlowBeaconIpAllowlist());
                web.MapControllers().WithMetadata(new RequireApiKeyAttribute());
            });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/silent/plain", AllowedRequest)).Status.Should().Be(500);
    }

    /// <summary>A filter that MVC creates by its type is not metadata, so the check cannot know that a key is required.</summary>
    [Fact]
    public async Task A_filter_of_all_controllers_admits_no_request_without_a_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store(Listed),
            configure: builder =>
            {
                builder.AddControllers(Controllers);
                builder.Services.Configure<MvcOptions>(mvc => mvc.Filters.Add<RequireApiKeyAttribute>());
            },
            pipeline: web =>
            {
                web.UseFlowBeaconIpAllowlist();
                web.MapControllers();
            });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/silent/plain")).Status.Should().Be(500);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/silent/plain", AllowedRequest)).Status.Should().Be(200);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/exempt/plain")).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_short_circuited_handler_does_not_run()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", [RequireApiKey] () => ran = true).ShortCircuit();
        });

        (await app.GetAsync(AllowedRequest)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_controller_does_not_run_in_a_host_that_adds_nothing_of_the_library()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddControllers(Controllers);
        await using WebApplication app = builder.Build();
        app.MapControllers();
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        foreach (string path in new[] { "/requiring/plain", "/requiring/optional", "/exempt/required" })
        {
            using HttpResponseMessage refused = await client.GetAsync(path, TestContext.Current.CancellationToken);
            ((int)refused.StatusCode).Should().Be(500, path);
        }

        using HttpResponseMessage served = await client.GetAsync("/silent/plain", TestContext.Current.CancellationToken);
        ((int)served.StatusCode).Should().Be(200);
    }

    [Fact]
    public async Task The_endpoint_of_a_request_keeps_its_name_pattern_and_metadata()
    {
        string? seen = null;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/things/{id:int}", [RequireApiKey] (int id, HttpContext context) =>
            {
                var endpoint = (RouteEndpoint)context.GetEndpoint()!;
                seen = $"{endpoint.RoutePattern.RawText} {id} {endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName}";
            }).WithName("thing");
        });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/things/7", AllowedRequest)).Status.Should().Be(200);
        seen.Should().Be("/things/{id:int} 7 thing");
    }

    private static IEnumerable<string> Exceptions(KestrelApp app) =>
        app.Logs.Entries.Where(entry => entry.Level >= LogLevel.Error).Select(entry => entry.Exception).OfType<InvalidOperationException>()
            .Select(exception => exception.Message);

    private static Task<KestrelApp> StartAsync(bool requiredByOption) => KestrelApp.StartAsync(
        TestKeys.Store(Listed),
        options => options.RequireApiKey = requiredByOption,
        builder => builder.AddControllers(Controllers),
        web =>
        {
            web.UseFlowBeaconIpAllowlist();
            Map(web);
        });

    private static void Map(WebApplication web)
    {
        web.MapGet("/required", [RequireApiKey] (HttpContext context) => OutcomeOf(context));
        web.MapGet("/optional", [AllowMissingApiKey] (HttpContext context) => OutcomeOf(context));
        web.MapGet("/disabled", [DisableIpAllowlist] (HttpContext context) => OutcomeOf(context));
        web.MapGet("/request-delegate", AnswerAsync);

        RouteGroupBuilder required = web.MapGroup("/group-required").RequireApiKey();
        required.MapGet("/plain", (HttpContext context) => OutcomeOf(context));
        required.MapGet("/optional", [AllowMissingApiKey] (HttpContext context) => OutcomeOf(context));
        required.MapGet("/disabled", [DisableIpAllowlist] (HttpContext context) => OutcomeOf(context));
        web.MapGroup("/group-disabled").DisableIpAllowlist()
            .MapGet("/required", [RequireApiKey] (HttpContext context) => OutcomeOf(context));

        web.MapGet("/method-disabled", [RequireApiKey] (HttpContext context) => OutcomeOf(context)).DisableIpAllowlist();
        web.MapGet("/method-required", [DisableIpAllowlist] (HttpContext context) => OutcomeOf(context)).RequireApiKey();
        web.MapControllers();
    }

    [RequireApiKey]
    private static Task AnswerAsync(HttpContext context) => context.Response.WriteAsync(OutcomeOf(context));

    private static string OutcomeOf(HttpContext context) => context.Features.Get<IIpAllowlistFeature>()?.Outcome.ToString() ?? "unchecked";
}
