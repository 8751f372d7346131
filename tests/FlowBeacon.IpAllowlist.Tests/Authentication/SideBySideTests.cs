using System.Net;
using System.Security.Claims;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>People who sign in and other tokens, beside API keys on one host.</summary>
public sealed class SideBySideTests
{
    private const string OurScheme = ApiKeyAuthenticationDefaults.AuthenticationScheme;
    private const string CookieScheme = CookieAuthenticationDefaults.AuthenticationScheme;

    private static readonly string Key = HeaderLine.Bearer(SchemeKeys.Evaluator);
    private static readonly string Jwt = HeaderLine.Bearer(OtherScheme.Token);
    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor(SchemeKeys.NotListed);

    public static TheoryData<string> DefaultSchemes => [OurScheme, OtherScheme.Name, CookieScheme];

    public static TheoryData<string, string> OrdersAndDefaultSchemes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string order in PipelineOrder.All.Where(PipelineOrder.RoutesBeforeAuthorizing))
            {
                data.Add(order, OtherScheme.Name);
                data.Add(order, CookieScheme);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(DefaultSchemes))]
    public async Task A_policy_that_names_our_scheme_knows_keys_whichever_scheme_is_the_default(string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(defaultScheme);

        Answer.Of(await app.GetPathAsync("/key", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/key", Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/key", HeaderLine.Bearer(TestKeys.Revoked))).Should().Be(Answer.InvalidKey);
        Answer.Of(await app.GetPathAsync("/key")).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync("/named-policy", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/named-policy", Key, FromElsewhere)).Should().Be(Answer.Denied);
    }

    [Theory]
    [MemberData(nameof(DefaultSchemes))]
    public async Task A_token_of_another_scheme_opens_its_own_endpoints_and_none_of_ours(string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(defaultScheme);

        Answer.Of(await app.GetPathAsync("/jwt", Jwt, FromElsewhere)).Should().Be(Answer.Ok("person"));
        Answer.Of(await app.GetPathAsync("/key", Jwt, FromListed)).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync("/scope", Jwt, FromListed)).Should().Be(Answer.MissingKey);
    }

    [Theory]
    [MemberData(nameof(DefaultSchemes))]
    public async Task A_person_who_is_signed_in_by_cookie_opens_none_of_our_endpoints(string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(defaultScheme);
        string cookie = await SignInAsync(app);

        Answer.Of(await app.GetPathAsync("/cookie", cookie)).Should().Be(Answer.Ok("alice"));
        Answer.Of(await app.GetPathAsync("/key", cookie)).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync("/scope", cookie)).Should().Be(Answer.MissingKey);
    }

    [Theory]
    [MemberData(nameof(DefaultSchemes))]
    public async Task A_key_opens_no_endpoint_of_another_scheme(string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(defaultScheme);

        (await app.GetPathAsync("/jwt", Key, FromListed)).Status.Should().Be(401);
        (await app.GetPathAsync("/cookie", Key, FromListed)).Status.Should().Be(302);
    }

    [Theory]
    [MemberData(nameof(OrdersAndDefaultSchemes))]
    public async Task A_foreign_address_is_refused_even_beside_a_signed_in_person_in_every_order(string order, string defaultScheme)
    {
        await using KestrelApp app = await StartAsync(defaultScheme, order);
        string cookie = await SignInAsync(app);

        Answer.Of(await app.GetPathAsync("/cookie", cookie, Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/cookie", cookie, HeaderLine.Bearer(TestKeys.Unknown))).Should().Be(Answer.InvalidKey);
        Answer.Of(await app.GetPathAsync("/either", cookie, Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/cookie", cookie, Key, FromListed)).Should().Be(Answer.Ok("alice"));

        // Whose name the endpoint sees is the framework's affair: UseAuthentication behind UseAuthorization replaces the user.
        (await app.GetPathAsync("/key", cookie, Key, FromListed)).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_foreign_address_at_an_endpoint_of_another_scheme_gets_our_403_in_every_order()
    {
        var others = new Dictionary<string, Answer>();
        foreach (string order in PipelineOrder.All.Where(PipelineOrder.RoutesBeforeAuthorizing))
        {
            await using KestrelApp app = await StartAsync(OtherScheme.Name, order);
            var answer = Answer.Of(await app.GetPathAsync("/jwt", Key, FromElsewhere));
            if (answer != Answer.Denied)
            {
                others.Add(order, answer);
            }
        }

        string.Join(", ", others.Select(other => $"{other.Key}: {other.Value.Status}")).Should().BeEmpty();
    }

    [Fact]
    public async Task A_policy_that_names_both_schemes_admits_either()
    {
        await using KestrelApp app = await StartAsync(CookieScheme);
        string cookie = await SignInAsync(app);

        Answer.Of(await app.GetPathAsync("/either", cookie)).Should().Be(Answer.Ok("alice"));
        Answer.Of(await app.GetPathAsync("/either", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
    }

    [Theory]
    [InlineData("/either", "Allowlist")]
    [InlineData("/either", "Authorization > Allowlist")]
    [InlineData("/either-ours-first", "Allowlist")]
    [InlineData("/either-ours-first", "Allowlist > Authorization")]
    [InlineData("/either-jwt", "Allowlist")]
    [InlineData("/either-jwt", "Allowlist > Authorization")]
    [InlineData("/either-jwt-ours-first", "Allowlist")]
    public async Task A_policy_that_names_two_schemes_still_answers_a_foreign_address_with_our_403(string path, string order)
    {
        await using KestrelApp app = await StartAsync(CookieScheme, order);

        RawResponse response = await app.GetPathAsync(path, Key, FromElsewhere);

        Answer.Of(response).Should().Be(Answer.Denied);
        response.Headers.Should().NotContainKey("Location", "a refusal does not send anybody anywhere");
        ErrorsOf(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData("/either")]
    [InlineData("/either-ours-first")]
    [InlineData("/either-jwt-ours-first")]
    public async Task A_policy_that_names_two_schemes_refuses_a_request_without_credentials_without_an_error(string path)
    {
        await using KestrelApp app = await StartAsync(CookieScheme);

        RawResponse response = await app.GetPathAsync(path);

        response.Status.Should().BeOneOf(302, 401);
        ErrorsOf(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData("/forbidden")]
    [InlineData("/forbidden-ours-first")]
    public async Task A_policy_that_names_two_schemes_forbids_a_key_in_our_words_only(string path)
    {
        await using KestrelApp app = await StartAsync(CookieScheme);

        RawResponse response = await app.GetPathAsync(path, Key, FromListed);

        Answer.Of(response).Should().Be(Answer.InsufficientScope);
        response.Headers.Should().NotContainKey("Location", "a refusal does not send anybody anywhere");
        ErrorsOf(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData("/forbidden")]
    [InlineData("/forbidden-ours-first")]
    public async Task A_policy_that_names_two_schemes_forbids_a_person_in_the_words_of_the_other(string path)
    {
        await using KestrelApp app = await StartAsync(CookieScheme);
        string cookie = await SignInAsync(app);

        RawResponse response = await app.GetPathAsync(path, cookie);

        response.Status.Should().Be(302);
        response.Content.Should().BeEmpty();
        ErrorsOf(app).Should().BeEmpty();
    }

    [Fact]
    public async Task A_named_scheme_that_forwards_to_ours_proves_the_same()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            SchemeKeys.Store(),
            configure: builder =>
            {
                builder.Services.AddAuthentication("Either")
                    .AddPolicyScheme("Either", null, options => options.ForwardDefaultSelector = context =>
                        context.Request.Headers.Authorization.ToString().StartsWith("Bearer fb_live_", StringComparison.Ordinal)
                            ? OurScheme
                            : OtherScheme.Name)
                    .AddScheme<AuthenticationSchemeOptions, OtherScheme>(OtherScheme.Name, null)
                    .AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
            },
            pipeline: app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapGet("/", (ClaimsPrincipal user) => user.Identity!.Name).RequireAuthorization();
            });

        Answer.Of(await app.GetPathAsync("/", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/", Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/", HeaderLine.Bearer(TestKeys.Unknown))).Should().Be(Answer.InvalidKey);
        Answer.Of(await app.GetPathAsync("/", Jwt)).Should().Be(Answer.Ok("person"));
    }

    [Fact]
    public async Task A_fallback_policy_of_our_scheme_protects_what_says_nothing()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            SchemeKeys.Store(),
            configure: builder =>
            {
                builder.Services.AddAuthentication().AddFlowBeaconApiKey();
                builder.Services.AddAuthorizationBuilder()
                    .SetFallbackPolicy(new AuthorizationPolicyBuilder(OurScheme).RequireAuthenticatedUser().Build());
            },
            pipeline: app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapFlowBeaconHealth();
                app.MapGet("/", () => "served");
            });

        Answer.Of(await app.GetPathAsync("/", Key, FromListed)).Should().Be(Answer.Ok("served"));
        Answer.Of(await app.GetPathAsync("/", Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/nowhere", Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/")).Should().Be(Answer.MissingKey);
        (await app.GetPathAsync("/governance/health")).Status.Should().Be(200);
    }

    private static IEnumerable<string> ErrorsOf(KestrelApp app) =>
        app.Logs.Entries.Where(entry => entry.Exception is not null).Select(entry => entry.Exception!.Message);

    private static async Task<string> SignInAsync(KestrelApp app)
    {
        RawResponse response = await app.GetPathAsync("/sign-in");
        response.Status.Should().Be((int)HttpStatusCode.OK);
        return $"Cookie: {response.Headers["Set-Cookie"].Split(';')[0]}";
    }

    private static Task<KestrelApp> StartAsync(string defaultScheme, string order = "Allowlist") => KestrelApp.StartAsync(
        SchemeKeys.Store(),
        configure: builder =>
        {
            builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            builder.Services.AddAuthentication(defaultScheme)
                .AddCookie(CookieScheme)
                .AddScheme<AuthenticationSchemeOptions, OtherScheme>(OtherScheme.Name, null)
                .AddFlowBeaconApiKey();
            builder.Services.AddAuthorizationBuilder()
                .AddPolicy("keys", policy => policy.AddAuthenticationSchemes(OurScheme).RequireAuthenticatedUser());
        },
        pipeline: app =>
        {
            PipelineOrder.Build(app, order);
            app.MapGet("/sign-in", (HttpContext context) => context.SignInAsync(
                CookieScheme, new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "alice")], CookieScheme))));
            Map("/key", OurScheme);
            Map("/cookie", CookieScheme);
            Map("/jwt", OtherScheme.Name);
            Map("/either", $"{CookieScheme},{OurScheme}");
            Map("/either-ours-first", $"{OurScheme},{CookieScheme}");
            Map("/either-jwt", $"{OtherScheme.Name},{OurScheme}");
            Map("/either-jwt-ours-first", $"{OurScheme},{OtherScheme.Name}");
            app.MapGet("/forbidden", NameOf)
                .RequireAuthorization(policy => policy.AddAuthenticationSchemes(CookieScheme, OurScheme).RequireRole("nobody"));
            app.MapGet("/forbidden-ours-first", NameOf)
                .RequireAuthorization(policy => policy.AddAuthenticationSchemes(OurScheme, CookieScheme).RequireRole("nobody"));
            app.MapGet("/named-policy", NameOf).RequireAuthorization("keys");
            app.MapGet("/scope", NameOf).RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);

            void Map(string path, string schemes) =>
                app.MapGet(path, NameOf).RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = schemes });
        });

    private static string? NameOf(ClaimsPrincipal user) => user.Identity!.Name;
}
