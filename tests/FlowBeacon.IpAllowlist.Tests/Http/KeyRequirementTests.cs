using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Where a key is a must, and where nothing is looked at.</summary>
public sealed class KeyRequirementTests
{
    private const string Listed = "203.0.113.7";

    public static TheoryData<string, bool, int> RequestsWithoutKey => new()
    {
        { "/plain", false, 200 },
        { "/plain", true, 401 },
        { "/required", false, 401 },
        { "/required", true, 401 },
        { "/disabled", false, 200 },
        { "/disabled", true, 200 },
        { "/group-required/plain", false, 401 },
        { "/group-required/disabled", false, 200 },
        { "/group-required/disabled", true, 200 },
        { "/group-required/disabled/inner", false, 200 },
        { "/group-disabled/plain", false, 200 },
        { "/group-disabled/plain", true, 200 },
        { "/group-disabled/required", false, 401 },
        { "/group-required/disabled/required", false, 401 },
        { "/twice/disabled-last", false, 200 },
        { "/twice/required-last", false, 401 },
        { "/optional", false, 200 },
        { "/optional", true, 200 },
        { "/group-required/optional", false, 200 },
        { "/group-required/optional", true, 200 },
        { "/group-optional/plain", true, 200 },
        { "/group-optional/required", false, 401 },
        { "/group-optional/disabled", true, 200 },
        { "/group-disabled/optional", true, 200 },
        { "/twice/optional-last", true, 200 },
        { "/twice/required-after-optional", false, 401 },
        { "/no-endpoint", false, 404 },
        { "/no-endpoint", true, 401 },
    };

    public static TheoryData<string> RequiredPaths =>
        ["/required", "/group-required/plain", "/group-disabled/required", "/group-required/disabled/required", "/twice/required-last"];

    public static TheoryData<string> OptionalPaths =>
        ["/optional", "/group-required/optional", "/group-optional/plain", "/group-disabled/optional", "/twice/optional-last"];

    public static TheoryData<string> DisabledPaths =>
        ["/disabled", "/group-required/disabled", "/group-required/disabled/inner", "/group-disabled/plain", "/twice/disabled-last"];

    [Theory]
    [MemberData(nameof(RequestsWithoutKey))]
    public async Task A_request_without_a_key_is_answered(string path, bool requiredByOption, int status)
    {
        await using KestrelApp app = await StartAsync(requiredByOption);

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", path);

        response.Status.Should().Be(status);
    }

    [Theory]
    [MemberData(nameof(RequiredPaths))]
    public async Task Somebody_elses_credential_does_not_count_as_a_key_where_one_is_required(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: false);

        (await KestrelApp.SendAsync(app.IPv4, "GET", path, HeaderLine.Bearer("a.jwt.token"))).Status.Should().Be(401);
        (await KestrelApp.SendAsync(app.IPv4, "GET", path, "Authorization: Basic dXNlcjpwYXNz")).Status.Should().Be(401);
    }

    [Theory]
    [MemberData(nameof(RequiredPaths))]
    public async Task A_required_key_is_checked(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: false);
        await AKeyIsCheckedAsync(app, path);
    }

    [Theory]
    [MemberData(nameof(OptionalPaths))]
    public async Task An_optional_key_is_checked(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: true);
        await AKeyIsCheckedAsync(app, path);
        (await KestrelApp.SendAsync(app.IPv4, "GET", path, HeaderLine.Bearer("a.jwt.token"))).Content.Should().Be("NoKey");
    }

    [Fact]
    public void A_builder_is_a_must() =>
        ((Action)(() => IpAllowlistEndpointConventionBuilderExtensions.AllowMissingApiKey<IEndpointConventionBuilder>(null!)))
            .Should().Throw<ArgumentNullException>().WithParameterName("builder");

    private static async Task AKeyIsCheckedAsync(KestrelApp app, string path)
    {
        (await SendAsync(TestKeys.Restricted, Listed)).Status.Should().Be(200);
        (await SendAsync(TestKeys.Restricted, "198.51.100.9")).Status.Should().Be(403);
        (await SendAsync(TestKeys.Unrestricted, "198.51.100.9")).Status.Should().Be(200);
        (await SendAsync(TestKeys.Unknown, Listed)).Status.Should().Be(401);

        Task<RawResponse> SendAsync(string rawKey, string address) =>
            KestrelApp.SendAsync(app.IPv4, "GET", path, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(address));
    }

    [Theory]
    [MemberData(nameof(DisabledPaths))]
    public async Task An_endpoint_with_the_check_disabled_looks_at_no_key(string path)
    {
        await using KestrelApp app = await StartAsync(requiredByOption: true);

        foreach (string rawKey in new[] { TestKeys.Restricted, TestKeys.Unknown, TestKeys.Revoked })
        {
            RawResponse response = await KestrelApp.SendAsync(
                app.IPv4, "GET", path, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("198.51.100.9"));

            response.Status.Should().Be(200);
            response.Content.Should().Be("unchecked");
        }
    }

    private static Task<KestrelApp> StartAsync(bool requiredByOption) =>
        KestrelApp.StartAsync(TestKeys.Store(Listed), options => options.RequireApiKey = requiredByOption, pipeline: app =>
        {
            app.UseFlowBeaconIpAllowlist();
            Map(app, "/plain");
            Map(app, "/required").RequireApiKey();
            Map(app, "/disabled").DisableIpAllowlist();
            Map(app, "/optional").AllowMissingApiKey();

            RouteGroupBuilder required = app.MapGroup("/group-required").RequireApiKey();
            Map(required, "/plain");
            Map(required, "/disabled").DisableIpAllowlist();
            Map(required, "/optional").AllowMissingApiKey();
            RouteGroupBuilder inner = required.MapGroup("/disabled").DisableIpAllowlist();
            Map(inner, "/inner");
            Map(inner, "/required").RequireApiKey();

            RouteGroupBuilder disabled = app.MapGroup("/group-disabled").DisableIpAllowlist();
            Map(disabled, "/plain");
            Map(disabled, "/required").RequireApiKey();
            Map(disabled, "/optional").AllowMissingApiKey();

            RouteGroupBuilder optional = app.MapGroup("/group-optional").AllowMissingApiKey();
            Map(optional, "/plain");
            Map(optional, "/required").RequireApiKey();
            Map(optional, "/disabled").DisableIpAllowlist();

            Map(app, "/twice/disabled-last").RequireApiKey().DisableIpAllowlist();
            Map(app, "/twice/required-last").DisableIpAllowlist().RequireApiKey();
            Map(app, "/twice/optional-last").RequireApiKey().AllowMissingApiKey();
            Map(app, "/twice/required-after-optional").AllowMissingApiKey().RequireApiKey();
        });

    private static RouteHandlerBuilder Map(IEndpointRouteBuilder routes, string pattern) =>
        routes.MapGet(pattern, (HttpContext context) => context.Features.Get<IIpAllowlistFeature>()?.Outcome.ToString() ?? "unchecked");
}
