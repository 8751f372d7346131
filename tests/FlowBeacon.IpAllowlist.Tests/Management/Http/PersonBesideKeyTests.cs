using System.Security.Claims;
using System.Text.Encodings.Web;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// Where a request carries a valid key, <c>HttpContext.User</c> may be derived from the key by host code. So a person is accepted only by
/// the ticket of another scheme.
/// </summary>
public sealed class PersonBesideKeyTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string RoleRequired = "Admin or owner role required";

    /// <summary>Host code and transformations that make an administrator of a key's holder.</summary>
    public static TheoryData<string> Ways { get; } =
    [
        "user taken from the scheme, replaced by a transformation", "user made of the check's result",
        "user made of the check's result, asked by a requirement", "user made of the check's result, asked by a fallback policy",
        "user beside the ticket of a member", "another scheme hands on what a transformation replaced",
    ];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Host_code_does_not_make_an_administrator_of_a_key(string way)
    {
        await using KeyApiHost host = await StartAsync(way);
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All });
        string? person = way.Contains("member", StringComparison.Ordinal) ? KeyApiHost.Member : null;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach (KeyOperation operation in KeyOperation.All)
        {
            Answer answer = await host.SendAsync(
                person, operation.Method, operation.Target(key.Details.Key.Id), operation.Body, KeyApiHost.Bearer(key.RawKey));

            answer.Status.Should().Be(403, $"{operation.Name}: {answer.Body}");
            answer.ShouldBeProblem(403, RoleRequired);
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Host_code_does_not_make_an_administrator_of_a_break_glass_key_which_reads_all_the_same(string way)
    {
        await using KeyApiHost host = await StartAsync(way);
        string glass = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);

        (await host.SendAsync(null, "GET", Keys, null, glass)).Status.Should().Be(200);
        (await host.SendAsync(null, "POST", Keys, """{"name":"a","allowed_ips":[]}""", glass)).ShouldBeProblem(403, RoleRequired);
    }

    [Fact]
    public async Task Host_code_that_takes_the_key_away_behind_the_check_does_not_make_an_administrator_of_its_holder()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: web => Use(web, context =>
        {
            context.User = Administrator();
            context.Request.Headers.Authorization = default;
        }));
        string key = (await host.CreateAsync("program")).RawKey;

        (await host.SendAsync(null, "POST", Keys, """{"name":"a","allowed_ips":[]}""", KeyApiHost.Bearer(key))).Status.Should().Be(401);
        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(key))).Status.Should().Be(401);
    }

    [Theory]
    [InlineData("transformation")]
    [InlineData("none")]
    public async Task A_person_signed_in_by_another_scheme_is_believed_beside_a_key(string transformation)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            if (transformation != "none")
            {
                builder.Services.AddSingleton<IClaimsTransformation, ReplacedByAnAdministrator>();
            }
        });
        string key = (await host.CreateAsync("program")).RawKey;

        string person = transformation == "none" ? KeyApiHost.Administrator : "alice";
        Answer created = await host.SendAsync(person, "POST", Keys, """{"name":"a","allowed_ips":[]}""", KeyApiHost.Bearer(key));

        created.Status.Should().Be(201, created.Body);
        (await host.AuditAsync())[0].Actor.Should().Match<ApiKeyActor>(actor => actor.Kind == ApiKeyActorKind.User && actor.Id == "alice");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_a_key_the_user_that_host_code_sets_counts(bool isAskedByARequirement)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            group: keys => _ = isAskedByARequirement ? keys.RequireAuthorization() : keys,
            pipeline: web => Use(web, context => context.User = Administrator()));

        (await host.SendAsync(null, "GET", Keys)).Status.Should().Be(200);
    }

    private static Task<KeyApiHost> StartAsync(string way) => KeyApiHost.StartAsync(
        builder =>
        {
            if (way.Contains("transformation", StringComparison.Ordinal))
            {
                builder.Services.AddSingleton<IClaimsTransformation, ReplacedByAnAdministrator>();
            }

            if (way.Contains("hands on", StringComparison.Ordinal))
            {
                builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, HandingOn>(HandingOn.SchemeName, null);
                builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                    .AddAuthenticationSchemes(HandingOn.SchemeName).RequireRole("admin", "owner"));
            }

            if (way.Contains("fallback", StringComparison.Ordinal))
            {
                builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(
                    new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
            }
        },
        group: keys => _ = way.Contains("requirement", StringComparison.Ordinal) ? keys.RequireAuthorization() : keys,
        pipeline: web =>
        {
            if (way.Contains("from the scheme", StringComparison.Ordinal))
            {
                web.Use(async (context, next) =>
                {
                    AuthenticateResult result = await context.AuthenticateAsync(ApiKeyAuthenticationDefaults.AuthenticationScheme);
                    context.User = result.Principal ?? context.User;
                    await next(context);
                });
            }

            Use(web, context =>
            {
                if (context.Features.Get<IIpAllowlistFeature>()?.Key is null)
                {
                    return;
                }

                if (way.Contains("beside the ticket", StringComparison.Ordinal))
                {
                    context.Features.Set<IHttpAuthenticationFeature>(new UserAlone { User = Administrator() });
                }
                else if (way.Contains("check's result", StringComparison.Ordinal))
                {
                    context.User = Administrator();
                }
            });
        });

    /// <summary>The usual pipeline with host code behind the check.</summary>
    private static void Use(WebApplication web, Action<HttpContext> hostCode)
    {
        web.UseAuthentication();
        web.UseFlowBeaconIpAllowlist();
        web.Use((context, next) =>
        {
            hostCode(context);
            return next(context);
        });
        web.UseAuthorization();
    }

    private static ClaimsPrincipal Administrator() =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, "mallory"), new Claim(ClaimTypes.Role, "admin")], "Enriched"));

    /// <summary>Nothing of the identity that was proved is left but its claims.</summary>
    private sealed class ReplacedByAnAdministrator : IClaimsTransformation
    {
        public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal) => Task.FromResult(
            new ClaimsPrincipal(new ClaimsIdentity([.. principal.Claims, new Claim(ClaimTypes.Role, "admin")], "Enriched")));
    }

    /// <summary>Takes over what the scheme of API keys proved, under its own name.</summary>
    private sealed class HandingOn(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string SchemeName = "HandingOn";

        protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            AuthenticateResult inner = await Context.AuthenticateAsync(ApiKeyAuthenticationDefaults.AuthenticationScheme);
            return inner.Succeeded
                ? AuthenticateResult.Success(new AuthenticationTicket(inner.Principal, SchemeName))
                : AuthenticateResult.NoResult();
        }
    }

    private sealed class UserAlone : IHttpAuthenticationFeature
    {
        public ClaimsPrincipal? User { get; set; }
    }
}
