using System.Security.Claims;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>What the authentication scheme proves, and what it answers when it refuses.</summary>
public sealed class SchemeTests
{
    private const string OurScheme = ApiKeyAuthenticationDefaults.AuthenticationScheme;

    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor(SchemeKeys.NotListed);

    public static TheoryData<string, string, string> Principals => new()
    {
        {
            SchemeKeys.Evaluator, FromListed,
            $"{ClaimTypes.NameIdentifier}=evaluator {ClaimTypes.Name}=Evaluator of production api_key_prefix=fb_live_6666 "
                + "scope=governance:read scope=governance:evaluate"
        },
        {
            SchemeKeys.EvaluatorRetiring, FromListed,
            $"{ClaimTypes.NameIdentifier}=evaluator {ClaimTypes.Name}=Evaluator of production api_key_prefix=fb_live_7777 "
                + "scope=governance:read scope=governance:evaluate"
        },
        { SchemeKeys.Scopeless, FromListed, $"{ClaimTypes.NameIdentifier}=scopeless {ClaimTypes.Name}= api_key_prefix=fb_live_9999" },
        {
            TestKeys.Unrestricted, FromElsewhere, $"{ClaimTypes.NameIdentifier}=unrestricted {ClaimTypes.Name}= api_key_prefix=fb_live_2222"
        },
    };

    public static TheoryData<string, string> Unauthenticated => new()
    {
        { "Accept: */*", FromListed },
        { HeaderLine.Bearer(OtherScheme.Token), FromListed },
        { HeaderLine.Bearer(TestKeys.Unknown), FromListed },
        { HeaderLine.Bearer(TestKeys.Expired), FromListed },
        { HeaderLine.Bearer(TestKeys.Revoked), FromListed },
        { HeaderLine.Bearer(SchemeKeys.Evaluator), FromElsewhere },
        { HeaderLine.Bearer(SchemeKeys.EvaluatorRetiring), FromElsewhere },
        { HeaderLine.Bearer(SchemeKeys.Evaluator), HeaderLine.ForwardedFor("unknown") },
    };

    /// <summary>What the middleware refuses, too, where a key is required.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "Accept: */*", FromListed },
        { HeaderLine.Bearer(TestKeys.Unknown), FromListed },
        { HeaderLine.Bearer(TestKeys.Expired), FromListed },
        { HeaderLine.Bearer(TestKeys.Revoked), FromListed },
        { HeaderLine.Bearer(SchemeKeys.Evaluator), FromElsewhere },
        { HeaderLine.Bearer(SchemeKeys.Evaluator), HeaderLine.ForwardedFor("unknown") },
    };

    [Theory]
    [MemberData(nameof(Principals))]
    public async Task A_key_from_an_allowed_address_becomes_a_principal_with_exactly_these_claims(string rawKey, string from, string claims)
    {
        ClaimsPrincipal? principal = null;
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", (ClaimsPrincipal user) =>
            {
                principal = user;
            });
        });

        (await app.GetPathAsync("/", HeaderLine.Bearer(rawKey), from)).Status.Should().Be(200);

        string.Join(' ', principal!.Claims.Select(claim => $"{claim.Type}={claim.Value}")).Should().Be(claims);
        ClaimsIdentity identity = principal.Identities.Should().ContainSingle().Subject;
        identity.IsAuthenticated.Should().BeTrue();
        identity.AuthenticationType.Should().Be(OurScheme);
    }

    [Fact]
    public async Task A_scope_is_not_a_role()
    {
        bool? isAdmin = null;
        InMemoryApiKeyStore store = SchemeKeys.Store();
        store.Set(SchemeKeys.Create(SchemeKeys.Reader, "reader", [ApiKeyScopes.Admin]));
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/", (ClaimsPrincipal user) =>
                {
                    isAdmin = user.IsInRole("admin");
                });
                pipeline.MapGet("/admin", () => "admin").RequireAuthorization(policy => policy.RequireRole("admin"));
            },
            store: store);

        await app.GetPathAsync("/", HeaderLine.Bearer(SchemeKeys.Reader));

        isAdmin.Should().BeFalse();
        (await app.GetPathAsync("/admin", HeaderLine.Bearer(SchemeKeys.Reader))).Status.Should().Be(403);
    }

    [Theory]
    [MemberData(nameof(Unauthenticated))]
    public async Task No_key_an_invalid_one_and_a_foreign_address_never_become_a_principal(string credential, string from)
    {
        AuthenticateResult? result = null;
        ClaimsPrincipal? user = null;
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseAuthentication();
            pipeline.Use(async (context, next) =>
            {
                user = context.User;
                result = await context.AuthenticateAsync(OurScheme);
                await next(context);
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", () => "open");
        });

        await app.GetPathAsync("/", credential, from);

        result!.Succeeded.Should().BeFalse();
        result.Principal.Should().BeNull();
        user!.Identities.Should().NotContain(identity => identity.IsAuthenticated);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_challenge_writes_what_the_middleware_writes(string credential, string from)
    {
        await using KestrelApp byMiddleware = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", () => "open");
        }, options => options.RequireApiKey = true);
        await using KestrelApp byScheme = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseAuthorization();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", () => "protected").RequireAuthorization(SchemeApp.OurScheme);
        });

        RawResponse expected = await byMiddleware.GetPathAsync("/", credential, from);
        RawResponse actual = await byScheme.GetPathAsync("/", credential, from);

        expected.Status.Should().BeOneOf(401, 403);
        Answer.Of(actual).Should().Be(Answer.Of(expected));
        HeadersOf(actual).Should().Equal(HeadersOf(expected));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_forbid_of_a_refused_request_writes_what_the_middleware_writes(string credential, string from)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.Map("/forbid", branch => branch.Run(context => context.ForbidAsync(OurScheme)));
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/checked", () => "checked").RequireApiKey();
        });

        RawResponse expected = await app.GetPathAsync("/checked", credential, from);
        RawResponse actual = await app.GetPathAsync("/forbid", credential, from);

        if (Answer.Of(expected) == Answer.MissingKey)
        {
            // Without a key the check refused nothing: the handler's own 403 is written.
            actual.Status.Should().Be(403);
            return;
        }

        Answer.Of(actual).Should().Be(Answer.Of(expected));
        HeadersOf(actual).Should().Equal(HeadersOf(expected));
    }

    [Fact]
    public async Task A_forbid_of_a_working_key_says_that_it_lacks_a_scope_and_is_not_to_be_stored()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        });

        RawResponse response = await app.GetPathAsync("/", HeaderLine.Bearer(SchemeKeys.Reader), FromListed);

        Answer.Of(response).Should().Be(Answer.InsufficientScope);
        response.Headers["Content-Type"].Should().Be("application/problem+json");
        response.Headers["Cache-Control"].Should().Be("no-store");
        response.Headers.Should().NotContainKey("WWW-Authenticate");
    }

    [Theory]
    [InlineData(TestKeys.Unknown, SchemeKeys.Listed, 401)]
    [InlineData(SchemeKeys.Evaluator, SchemeKeys.NotListed, 403)]
    [InlineData(SchemeKeys.Scopeless, SchemeKeys.Listed, 403)]
    public async Task A_refusal_of_HEAD_has_the_status_and_no_body(string rawKey, string from, int status)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapMethods("/", ["HEAD"], () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
        });

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "HEAD", "/", HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(from));

        response.Status.Should().Be(status);
        response.Body.Should().BeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnDenied_runs_once_and_its_answer_is_the_one_given_whoever_refuses(bool checkedFirst)
    {
        int calls = 0;
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline => BuildProtected(pipeline, checkedFirst),
            options => options.OnDenied = async (denied, cancellationToken) =>
            {
                calls++;
                denied.HandleResponse();
                await denied.HttpContext.Response.WriteAsync($"Ask us about {denied.Key.Id}.", cancellationToken);
            });

        RawResponse response = await app.GetPathAsync("/protected", HeaderLine.Bearer(SchemeKeys.Evaluator), FromElsewhere);

        Answer.Of(response).Should().Be(new Answer(403, "Ask us about evaluator."));
        calls.Should().Be(1);
    }

    [Theory]
    [InlineData(SchemeKeys.Evaluator, SchemeKeys.Listed)]
    [InlineData(SchemeKeys.Evaluator, SchemeKeys.NotListed)]
    [InlineData(SchemeKeys.Reader, SchemeKeys.Listed)]
    [InlineData(TestKeys.Revoked, SchemeKeys.Listed)]
    [InlineData(TestKeys.Unknown, SchemeKeys.Listed)]
    public async Task A_request_costs_one_lookup_whoever_runs_first(string rawKey, string from)
    {
        InMemoryApiKeyStore keys = SchemeKeys.Store();
        foreach (bool checkedFirst in new[] { true, false })
        {
            var store = new ScriptedStore(async (hash, _) =>
            {
                await Task.Yield();
                return keys.Find(hash);
            });
            await using KestrelApp app = await SchemeApp.StartAsync(
                pipeline =>
                {
                    pipeline.Use(async (context, next) =>
                    {
                        await context.AuthenticateAsync(OurScheme);
                        await next(context);
                        await context.AuthenticateAsync(OurScheme);
                    });
                    BuildProtected(pipeline, checkedFirst);
                },
                store: store);

            await app.GetPathAsync("/scope", HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(from));

            store.Lookups.Should().Be(1);
        }
    }

    [Fact]
    public async Task A_failing_store_is_a_server_error_and_never_a_principal()
    {
        bool ran = false;
        var store = new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away."));
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/", () => ran = true).RequireAuthorization(SchemeApp.OurScheme);
                pipeline.MapGet("/anonymous", () => ran = true).AllowAnonymous();
            },
            store: store);

        (await app.GetPathAsync("/", HeaderLine.Bearer(SchemeKeys.Evaluator), FromListed)).Status.Should().Be(500);
        (await app.GetPathAsync("/anonymous", HeaderLine.Bearer(SchemeKeys.Evaluator), FromListed)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Theory]
    [InlineData(SchemeKeys.Evaluator, SchemeKeys.NotListed, "1 outcome=denied client_ip_source=forwarded_for", 1)]
    [InlineData(TestKeys.Unknown, SchemeKeys.Listed, "1 outcome=invalid_key client_ip_source=none", 3)]
    [InlineData(SchemeKeys.Reader, SchemeKeys.Listed, "1 outcome=allowed client_ip_source=forwarded_for", null)]
    [InlineData(null, SchemeKeys.Listed, "1 outcome=no_key client_ip_source=none", null)]
    public async Task A_refusal_is_counted_and_logged_once_whoever_refuses(string? rawKey, string from, string measured, int? eventId)
    {
        foreach (bool checkedFirst in new[] { true, false })
        {
            await using KestrelApp app = await SchemeApp.StartAsync(pipeline => BuildProtected(pipeline, checkedFirst));
            using var metrics = new MetricRecorder(app.Services);

            RawResponse response = await app.GetPathAsync(
                "/scope", rawKey is null ? "Accept: */*" : HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(from));

            response.Status.Should().BeOneOf(401, 403);
            metrics.Of("checks").Should().Equal(measured);
            app.Logs.OfLibrary.Select(entry => entry.Id.Id).Where(id => id is 1 or 2 or 3).Should().Equal(eventId is { } id ? [id] : []);
        }
    }

    [Fact]
    public async Task A_denial_by_the_scheme_that_an_error_page_brings_to_the_middleware_is_counted_and_logged_once()
    {
        int calls = 0;
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseStatusCodePagesWithReExecute("/error");
                BuildProtected(pipeline, checkedFirst: false);
                pipeline.MapGet("/error", () => "error page");
            },
            options => options.OnDenied = (denied, _) =>
            {
                calls++;
                denied.HandleResponse();
                return ValueTask.CompletedTask;
            });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await app.GetPathAsync("/protected", HeaderLine.Bearer(SchemeKeys.Evaluator), FromElsewhere);

        response.Status.Should().Be(403);
        response.Content.Should().NotContain("protected");
        metrics.Of("checks").Should().Equal("1 outcome=denied client_ip_source=forwarded_for");
        app.Logs.OfLibrary.Count(entry => entry.Id.Id is 1 or 2).Should().Be(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refusal_by_the_scheme_after_which_the_host_answers_with_an_exception_page_is_counted_once(bool checkedFirst)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                pipeline.UseExceptionHandler("/error");
                BuildProtected(pipeline, checkedFirst);
                pipeline.MapGet("/error", () => "error page");
            },
            options => options.OnDenied = (_, _) => throw new InvalidOperationException("The mail server is away."));
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await app.GetPathAsync("/protected", HeaderLine.Bearer(SchemeKeys.Evaluator), FromElsewhere);

        response.Status.Should().BeOneOf(403, 500);
        response.Content.Should().NotContain("protected");
        metrics.Sum("checks").Should().Be(1);
        app.Logs.OfLibrary.Count(entry => entry.Id.Id is 1 or 2).Should().Be(1);
    }

    [Fact]
    public async Task A_request_the_scheme_let_through_and_an_error_page_repeats_is_counted_once()
    {
        await using KestrelApp app = await SchemeApp.StartAsync(pipeline =>
        {
            pipeline.UseExceptionHandler("/error");
            BuildProtected(pipeline, checkedFirst: false);
            pipeline.MapGet("/throws", (HttpContext _) => throw new InvalidOperationException("The endpoint failed."))
                .RequireAuthorization(SchemeApp.OurScheme);
            pipeline.MapGet("/error", () => "error page");
        });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await app.GetPathAsync("/throws", HeaderLine.Bearer(SchemeKeys.Evaluator), FromListed);

        Answer.Of(response).Should().Be(new Answer(500, "error page"));
        metrics.Of("checks").Should().Equal("1 outcome=allowed client_ip_source=forwarded_for");
    }

    /// <summary>The scheme, which authorization asks, in front of the middleware or behind it.</summary>
    private static void BuildProtected(WebApplication app, bool checkedFirst)
    {
        app.UseRouting();
        if (checkedFirst)
        {
            app.UseFlowBeaconIpAllowlist();
        }

        app.UseAuthentication();
        app.UseAuthorization();
        if (!checkedFirst)
        {
            app.UseFlowBeaconIpAllowlist();
        }

        app.MapGet("/protected", () => "protected").RequireAuthorization(SchemeApp.OurScheme);
        app.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
    }

    private static IReadOnlyDictionary<string, string> HeadersOf(RawResponse response) =>
        response.Headers.Where(header => header.Key != "Date").OrderBy(header => header.Key, StringComparer.Ordinal).ToDictionary();
}
