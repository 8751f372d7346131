using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>
/// A host's result handler of authorization, registered behind <c>AddFlowBeaconApiKey()</c>, answers in place of the library's.
/// </summary>
public sealed class ResultHandlerWarningTests
{
    private const int ResultHandlerReplaced = 27;

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Start_up_warns_where_it_comes_later_and_names_it_and_the_remedy(string environment)
    {
        await using KestrelApp app = await StartAsync(
            (services, addScheme) => addScheme().AddTransient<IAuthorizationMiddlewareResultHandler, HandlerOfHost>(), environment);

        // What is warned of: the key's foreign address is answered by a way to a sign-in page.
        (await DeniedStatusAsync(app)).Should().Be(302);
        LogEntry warning = app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Id == ResultHandlerReplaced).Subject;
        warning.Level.Should().Be(LogLevel.Warning);
        warning.Message.Should().Contain(nameof(HandlerOfHost)).And.Contain("before AddFlowBeaconApiKey()");
    }

    [Fact]
    public async Task Start_up_does_not_warn_where_it_comes_earlier_and_the_answer_is_the_denial()
    {
        await using KestrelApp app = await StartAsync((services, addScheme) =>
        {
            services.AddTransient<IAuthorizationMiddlewareResultHandler, HandlerOfHost>();
            return addScheme();
        });

        (await DeniedStatusAsync(app)).Should().Be(403);
        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Id == ResultHandlerReplaced);
    }

    [Fact]
    public async Task Start_up_does_not_warn_without_one()
    {
        await using KestrelApp app = await StartAsync((_, addScheme) => addScheme());

        (await DeniedStatusAsync(app)).Should().Be(403);
        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Id == ResultHandlerReplaced);
    }

    [Fact]
    public async Task Start_up_warns_of_one_that_is_a_scoped_service()
    {
        await using KestrelApp app = await StartAsync(
            (services, addScheme) => addScheme().AddScoped<IAuthorizationMiddlewareResultHandler, HandlerOfHost>(), "Development");

        app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Id == ResultHandlerReplaced);
    }

    /// <summary>A warning must not stop start-up.</summary>
    [Fact]
    public async Task Start_up_goes_on_where_one_can_be_made_only_within_a_request()
    {
        await using KestrelApp app = await StartAsync((services, addScheme) =>
        {
            services.AddHttpContextAccessor();
            return addScheme().AddTransient<IAuthorizationMiddlewareResultHandler>(provider =>
                new HandlerOfRequest(provider.GetRequiredService<IHttpContextAccessor>().HttpContext!.TraceIdentifier));
        });

        (await DeniedStatusAsync(app)).Should().Be(302);
    }

    private static async Task<int> DeniedStatusAsync(KestrelApp app) =>
        (await app.GetPathAsync("/", HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"))).Status;

    private static Task<KestrelApp> StartAsync(
        Func<IServiceCollection, Func<IServiceCollection>, IServiceCollection> add, string environment = "Test") => KestrelApp.StartAsync(
        TestKeys.Store("203.0.113.7"),
        configure: builder =>
        {
            builder.Services.AddAuthorization();
            add(builder.Services, () => builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
                .AddCookie().AddFlowBeaconApiKey().Services);
        },
        pipeline: web =>
        {
            web.UseAuthentication();
            web.UseAuthorization();
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", () => "in").RequireAuthorization(policy => policy.RequireAuthenticatedUser().AddAuthenticationSchemes(
                CookieAuthenticationDefaults.AuthenticationScheme, ApiKeyAuthenticationDefaults.AuthenticationScheme));
        },
        environment: environment);

    /// <summary>Answers people as the framework would.</summary>
    private class HandlerOfHost : IAuthorizationMiddlewareResultHandler
    {
        public async Task HandleAsync(
            RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
        {
            if (authorizeResult.Succeeded)
            {
                await next(context);
                return;
            }

            context.Response.Redirect("/sign-in");
        }
    }

    private sealed class HandlerOfRequest(string request) : HandlerOfHost
    {
        public override string ToString() => request;
    }
}
