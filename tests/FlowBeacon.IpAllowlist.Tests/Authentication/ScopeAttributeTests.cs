using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Scopes that attributes require, of handlers, controllers and actions.</summary>
public sealed class ScopeAttributeTests
{
    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);

    public static TheoryData<string, string, bool> Cases => new()
    {
        { SchemeKeys.Evaluator, "/handler", true },
        { SchemeKeys.Scopeless, "/handler", false },
        { SchemeKeys.Evaluator, "/scoped/read", true },
        { SchemeKeys.Reader, "/scoped/read", true },
        { SchemeKeys.Scopeless, "/scoped/read", false },
        { SchemeKeys.Evaluator, "/scoped/both", true },
        { SchemeKeys.Reader, "/scoped/both", false },
    };

    public static TheoryData<string> Paths => ["/handler", "/scoped/read", "/scoped/both"];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_key_with_every_scope_gets_in_and_no_other(string rawKey, string path, bool getsIn)
    {
        await using KestrelApp app = await StartAsync();

        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(rawKey), FromListed))
            .Should().Be(getsIn ? Answer.Ok("in") : Answer.InsufficientScope);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Without_a_valid_key_the_answer_is_401_and_from_a_foreign_address_the_403_of_the_address(string path)
    {
        await using KestrelApp app = await StartAsync();

        Answer.Of(await app.GetPathAsync(path)).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(TestKeys.Revoked))).Should().Be(Answer.InvalidKey);
        Answer.Of(await app.GetPathAsync(path, HeaderLine.Bearer(SchemeKeys.Evaluator), HeaderLine.ForwardedFor(SchemeKeys.NotListed)))
            .Should().Be(Answer.Denied);
    }

    [Fact]
    public async Task A_scope_that_the_host_does_not_have_stops_start_up()
    {
        Func<Task> start = () => SchemeApp.StartAsync(app =>
        {
            app.UseFlowBeaconIpAllowlist();
            app.MapGet("/keyed", [RequireApiKeyScope("governance:raed")] () => "in");
        });

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage("*/keyed*governance:raed*");
    }

    [Fact]
    public async Task Without_the_scheme_start_up_names_the_call()
    {
        Func<Task> start = () => KestrelApp.StartAsync(
            configure: builder => builder.AddControllers(typeof(AttributedControllers.ScopedController)),
            pipeline: app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapControllers();
            });

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage("*AddFlowBeaconApiKey()*");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void An_empty_scope_is_refused(string? scope) =>
        ((Action)(() => _ = new RequireApiKeyScopeAttribute(scope!))).Should().Throw<ArgumentException>().WithParameterName("scope");

    private static Task<KestrelApp> StartAsync() => SchemeApp.StartAsync(
        app =>
        {
            app.UseFlowBeaconIpAllowlist();
            app.MapGet("/handler", [RequireApiKeyScope(ApiKeyScopes.GovernanceRead)] () => "in");
            app.MapControllers();
        },
        configure: builder => builder.AddControllers(typeof(AttributedControllers.ScopedController)));
}
