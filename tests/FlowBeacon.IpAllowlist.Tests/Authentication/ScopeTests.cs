using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Endpoints that need a scope.</summary>
public sealed class ScopeTests
{
    private const string Both = SchemeKeys.Evaluator;
    private const string ReadOnly = SchemeKeys.Reader;
    private const string EvaluateOnly = "fb_live_dddddddddddddddddddddddddddddddddddddddddddddddd";
    private const string Lookalikes = "fb_live_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);

    public static TheoryData<string, string, bool> Cases => new()
    {
        { Both, "/read", true },
        { Both, "/evaluate", true },
        { Both, "/both", true },
        { ReadOnly, "/read", true },
        { ReadOnly, "/evaluate", false },
        { ReadOnly, "/both", false },
        { EvaluateOnly, "/read", false },
        { EvaluateOnly, "/evaluate", true },
        { EvaluateOnly, "/both", false },
        { SchemeKeys.Scopeless, "/read", false },
        { Lookalikes, "/read", false },
        { Lookalikes, "/evaluate", false },
        { Both, "/group", true },
        { ReadOnly, "/group", true },
        { EvaluateOnly, "/group", false },
        { Both, "/group/evaluate", true },
        { ReadOnly, "/group/evaluate", false },
        { EvaluateOnly, "/group/evaluate", false },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_key_with_every_scope_that_is_required_gets_in_and_no_other(string rawKey, string path, bool getsIn)
    {
        await using KestrelApp app = await StartAsync();

        RawResponse response = await app.GetPathAsync(path, HeaderLine.Bearer(rawKey), FromListed);

        Answer.Of(response).Should().Be(getsIn ? Answer.Ok("in") : Answer.InsufficientScope);
    }

    [Theory]
    [InlineData("/read")]
    [InlineData("/both")]
    [InlineData("/group")]
    [InlineData("/group/evaluate")]
    public async Task Without_a_key_the_answer_is_401_and_from_a_foreign_address_the_403_of_the_address(string path)
    {
        await using KestrelApp app = await StartAsync();

        Answer.Of(await app.GetPathAsync(path)).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(TestKeys.Revoked))).Should().Be(Answer.InvalidKey);
        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(Both), HeaderLine.ForwardedFor(SchemeKeys.NotListed)))
            .Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(SchemeKeys.Scopeless), HeaderLine.ForwardedFor(SchemeKeys.NotListed)))
            .Should().Be(Answer.Denied);
    }

    [Fact]
    public async Task A_scope_that_is_taken_away_is_missed_at_the_next_request()
    {
        InMemoryApiKeyStore store = Store();
        await using KestrelApp app = await StartAsync(store);
        string key = HeaderLine.Bearer(ReadOnly);
        Answer.Of(await app.GetPathAsync("/read", key, FromListed)).Should().Be(Answer.Ok("in"));

        store.Set(SchemeKeys.Create(ReadOnly, "reader", [], SchemeKeys.Listed));

        Answer.Of(await app.GetPathAsync("/read", key, FromListed)).Should().Be(Answer.InsufficientScope);
    }

    [Theory]
    [InlineData(SchemeKeys.Listed, 200)]
    [InlineData(SchemeKeys.NotListed, 403)]
    public async Task A_scope_is_enforced_with_the_address_even_where_the_middleware_does_not_look(string from, int status)
    {
        await using KestrelApp app = await StartAsync();

        (await app.GetPathAsync("/unchecked", HeaderLine.Bearer(Both), HeaderLine.ForwardedFor(from))).Status.Should().Be(status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void An_empty_scope_is_refused_when_the_endpoint_is_mapped(string? scope)
    {
        WebApplication app = WebApplication.CreateBuilder().Build();

        Action require = () => app.MapGet("/", () => "in").RequireApiKeyScope(scope!);

        require.Should().Throw<ArgumentException>().WithParameterName("scope");
    }

    private static InMemoryApiKeyStore Store()
    {
        InMemoryApiKeyStore store = SchemeKeys.Store();
        store.Set(SchemeKeys.Create(EvaluateOnly, "evaluate-only", [ApiKeyScopes.GovernanceEvaluate], SchemeKeys.Listed));
        store.Set(SchemeKeys.Create(
            Lookalikes, "lookalikes",
            ["GOVERNANCE:READ", "governance:read governance:evaluate", "governance", "governance:evaluate2", "governance:*"],
            SchemeKeys.Listed));
        return store;
    }

    private static Task<KestrelApp> StartAsync(InMemoryApiKeyStore? store = null) => SchemeApp.StartAsync(
        app =>
        {
            app.UseFlowBeaconIpAllowlist();
            app.MapGet("/read", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            app.MapGet("/evaluate", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            app.MapGet("/both", () => "in")
                .RequireApiKeyScope(ApiKeyScopes.GovernanceRead).RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            app.MapGet("/unchecked", () => "in").DisableIpAllowlist().RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            RouteGroupBuilder group = app.MapGroup("/group").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            group.MapGet("", () => "in");
            group.MapGet("/evaluate", () => "in").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        },
        store: store ?? Store());
}
