using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Routing, authentication, authorization and the check in every order: the same verdict and answer.</summary>
public sealed class OrderTests
{
    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor(SchemeKeys.NotListed);

    /// <summary>An order, which scheme is the default, and whether the framework authorizes endpoints in that order at all.</summary>
    public static TheoryData<string, string> Orders
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string order in PipelineOrder.All)
            {
                data.Add(order, ApiKeyAuthenticationDefaults.AuthenticationScheme);
                data.Add(order, OtherScheme.Name);
            }

            return data;
        }
    }

    /// <summary>Left out of the comparison of protected endpoints, because the framework itself answers 500 there.</summary>
    public static TheoryData<string> OrdersTheFrameworkRefuses =>
        [.. PipelineOrder.All.Where(order => !PipelineOrder.RoutesBeforeAuthorizing(order))];

    /// <summary>Header lines, and the answers of the open endpoint, the one for any key, and the one for a scope.</summary>
    private static IReadOnlyList<(string Request, string[] HeaderLines, Answer Open, Answer AnyKey, Answer Scope)> Requests { get; } =
    [
        ("no key", [FromListed], Answer.Ok("open"), Answer.MissingKey, Answer.MissingKey),
        ("no key, another scheme", ["Authorization: Basic dXNlcjpwYXNz"], Answer.Ok("open"), Answer.MissingKey, Answer.MissingKey),
        ("unknown", Lines(TestKeys.Unknown, FromListed), Answer.InvalidKey, Answer.InvalidKey, Answer.InvalidKey),
        ("expired", Lines(TestKeys.Expired, FromListed), Answer.InvalidKey, Answer.InvalidKey, Answer.InvalidKey),
        ("revoked", Lines(TestKeys.Revoked, FromListed), Answer.InvalidKey, Answer.InvalidKey, Answer.InvalidKey),
        ("two keys", [HeaderLine.Bearer(SchemeKeys.Evaluator), HeaderLine.Bearer(SchemeKeys.Anywhere), FromListed],
            Answer.InvalidKey, Answer.InvalidKey, Answer.InvalidKey),
        ("foreign address", Lines(SchemeKeys.Evaluator, FromElsewhere), Answer.Denied, Answer.Denied, Answer.Denied),
        ("foreign address, missing scope", Lines(SchemeKeys.Reader, FromElsewhere), Answer.Denied, Answer.Denied, Answer.Denied),
        ("foreign address, retiring secret",
            Lines(SchemeKeys.EvaluatorRetiring, FromElsewhere), Answer.Denied, Answer.Denied, Answer.Denied),
        ("allowed", Lines(SchemeKeys.Evaluator, FromListed), Answer.Ok("open"), Answer.Ok("any key"), Answer.Ok("scope")),
        ("unrestricted", Lines(SchemeKeys.Anywhere, FromElsewhere), Answer.Ok("open"), Answer.Ok("any key"), Answer.Ok("scope")),
        ("retiring secret", Lines(SchemeKeys.EvaluatorRetiring, FromListed), Answer.Ok("open"), Answer.Ok("any key"), Answer.Ok("scope")),
        ("missing scope", Lines(SchemeKeys.Reader, FromListed), Answer.Ok("open"), Answer.Ok("any key"), Answer.InsufficientScope),
        ("no scope at all", Lines(SchemeKeys.Scopeless, FromListed), Answer.Ok("open"), Answer.Ok("any key"), Answer.InsufficientScope),
        ("unrestricted, missing scope",
            Lines(TestKeys.Unrestricted, FromElsewhere), Answer.Ok("open"), Answer.Ok("any key"), Answer.InsufficientScope),
        ("break-glass, missing scope",
            Lines(SchemeKeys.BreakGlass, FromElsewhere), Answer.Ok("open"), Answer.Ok("any key"), Answer.InsufficientScope),
    ];

    [Fact]
    public void There_are_49_orders_and_the_framework_authorizes_endpoints_in_26_of_them()
    {
        PipelineOrder.All.Should().HaveCount(49).And.OnlyHaveUniqueItems();
        PipelineOrder.All.Count(PipelineOrder.RoutesBeforeAuthorizing).Should().Be(26);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Every_kind_of_request_gets_the_same_answer_in_every_order(string order, string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(order, defaultScheme);
        var expected = new Dictionary<string, Answer>();
        var actual = new Dictionary<string, Answer>();

        foreach ((string request, string[] headerLines, Answer open, Answer anyKey, Answer scope) in Requests)
        {
            await AddAsync("/open", open);
            if (PipelineOrder.RoutesBeforeAuthorizing(order))
            {
                await AddAsync("/any-key", anyKey);
                await AddAsync("/scope", scope);

                // With another default scheme, the default policy uses that scheme, which writes the answer.
                if (defaultScheme == ApiKeyAuthenticationDefaults.AuthenticationScheme
                    && PipelineOrder.AuthenticatesBeforeAuthorizing(order))
                {
                    await AddAsync("/default-policy", anyKey);
                }
            }

            async Task AddAsync(string path, Answer answer)
            {
                expected.Add($"{request} {path}", answer);
                actual.Add($"{request} {path}", Answer.Of(await KestrelApp.SendAsync(app.IPv4, "GET", path, headerLines)));
            }
        }

        actual.Should().Equal(expected);
    }

    [Theory]
    [MemberData(nameof(OrdersTheFrameworkRefuses))]
    public async Task An_order_that_the_framework_refuses_serves_no_protected_endpoint(string order)
    {
        await using KestrelApp app = await StartAsync(order, ApiKeyAuthenticationDefaults.AuthenticationScheme);

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/scope", Lines(SchemeKeys.Evaluator, FromListed))).Status.Should().Be(500);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/scope", Lines(SchemeKeys.Evaluator, FromElsewhere))).Status.Should().Be(403);
        (await KestrelApp.SendAsync(app.IPv4, "GET", "/any-key", Lines(TestKeys.Unknown, FromListed))).Status.Should().Be(401);
        app.Logs.Entries.Should().Contain(
            entry => entry.Level == LogLevel.Error
                && entry.Exception!.Message.Contains("authorization metadata", StringComparison.Ordinal));
    }

    private static string[] Lines(string rawKey, string from) => [HeaderLine.Bearer(rawKey), from];

    private static Task<KestrelApp> StartAsync(string order, string defaultScheme) => KestrelApp.StartAsync(
        SchemeKeys.Store(),
        configure: builder =>
        {
            AuthenticationBuilder authentication = builder.Services.AddAuthentication(defaultScheme).AddFlowBeaconApiKey();
            if (defaultScheme == OtherScheme.Name)
            {
                authentication.AddScheme<AuthenticationSchemeOptions, OtherScheme>(OtherScheme.Name, null);
            }

            builder.Services.AddAuthorization();
        },
        pipeline: app =>
        {
            PipelineOrder.Build(app, order);
            app.MapGet("/open", () => "open");
            app.MapGet("/any-key", () => "any key").RequireAuthorization(new AuthorizeAttribute
            {
                AuthenticationSchemes = ApiKeyAuthenticationDefaults.AuthenticationScheme,
            });
            app.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            app.MapGet("/default-policy", () => "any key").RequireAuthorization();
        });
}
