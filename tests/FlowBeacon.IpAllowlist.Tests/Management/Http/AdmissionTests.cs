using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Admission of administrators to a host's own pages, each with its own authorization data.</summary>
public sealed class AdmissionTests
{
    private const string PeopleOnly = "/pages/keys";
    private const string Readable = "/pages/denials";
    private const string Factor = "/pages/factor";

    private static readonly string[] Pages = [PeopleOnly, Readable, Factor];

    public static TheoryData<string, string, string> Admitted => new()
    {
        { PeopleOnly, "alice admin", "User alice 127.0.0.1" },
        { PeopleOnly, "olga owner", "User olga 127.0.0.1" },
        { Readable, "alice admin", "User alice 127.0.0.1" },
        { Factor, "alice admin mfa", "User alice 127.0.0.1" },
    };

    public static TheoryData<string, string?, string> Refused => new()
    {
        { PeopleOnly, null, "401 urn:flowbeacon:problems/sign-in-required Sign in required" },
        { Readable, null, "401 urn:flowbeacon:problems/sign-in-required Sign in required" },
        { PeopleOnly, "bob member", "403 urn:flowbeacon:problems/role-required Admin or owner role required" },
        { Factor, "bob mfa", "403 urn:flowbeacon:problems/role-required Admin or owner role required" },
        { Factor, "alice admin", "403 urn:flowbeacon:problems/requirement-not-met Requirement not met" },
    };

    [Theory]
    [MemberData(nameof(Admitted))]
    public async Task Returns_the_administrator(string page, string person, string actor)
    {
        await using KeyApiHost host = await StartAsync();

        Answer answer = await host.SendAsync(person, "GET", page);

        answer.Status.Should().Be(200);
        answer.Body.Should().Be(actor);
        (await host.AuditAsync()).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Refuses_with_status_type_title_and_detail_and_puts_it_on_record(string page, string? person, string refusal)
    {
        await using KeyApiHost host = await StartAsync();

        Answer answer = await host.SendAsync(person, "GET", page);

        $"{answer.Status} {answer.Body}".Should().StartWith(refusal + ": ").And.EndWith(".");
        AuditEntry entry = (await host.AuditAsync()).Should().ContainSingle().Which;
        entry.Action.Should().Be(AuditAction.Refused);
        entry.Actor.Id.Should().Be(person?.Split(' ')[0] ?? "anonymous");
        entry.Detail.Should().Be($"GET {page}");
    }

    [Fact]
    public async Task A_break_glass_key_reads_and_does_nothing_else()
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        string key = KeyApiHost.Bearer(glass.RawKey);

        (await host.SendAsync(null, "GET", Readable, null, key)).Body.Should().Be($"Key {glass.Details.Key.Id} 127.0.0.1");
        (await host.SendAsync(null, "GET", PeopleOnly, null, key)).Status.Should().Be(403);
        (await host.SendAsync(null, "GET", Factor, null, key)).Status.Should().Be(403);

        (await host.AuditAsync()).Where(entry => entry.Action is AuditAction.BreakGlassUse or AuditAction.Refused)
            .Select(entry => $"{entry.Action} {entry.Detail}").Should().BeEquivalentTo(
                $"BreakGlassUse GET {Readable}", $"BreakGlassUse GET {PeopleOnly}", $"Refused GET {PeopleOnly}",
                $"BreakGlassUse GET {Factor}", $"Refused GET {Factor}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ordinary_keys_with_any_scopes_and_invalid_keys_are_refused(bool isUnchecked)
    {
        await using KeyApiHost host = await StartAsync(
            pages => _ = isUnchecked ? pages.DisableIpAllowlist() : pages);
        IssuedApiKey all = await host.CreateAsync(new NewApiKey { Name = "all", AllowedIps = [], Scopes = ApiKeyScopes.All });
        IssuedApiKey revoked = await host.CreateBreakGlassAsync();
        await host.RevokeAsync(revoked.Details.Key.Id);

        foreach (string page in Pages)
        {
            (await host.SendAsync(null, "GET", page, null, KeyApiHost.Bearer(all.RawKey))).Status.Should().Be(403);
            (await host.SendAsync(null, "GET", page, null, KeyApiHost.Bearer(revoked.RawKey))).Status.Should().Be(401);
        }
    }

    [Fact]
    public async Task Allowing_anonymous_changes_nothing()
    {
        await using KeyApiHost host = await StartAsync(pages => pages.AllowAnonymous());

        foreach (string page in Pages)
        {
            (await host.SendAsync(null, "GET", page)).Status.Should().Be(401);
            (await host.SendAsync(KeyApiHost.Member, "GET", page)).Status.Should().Be(403);
        }

        (await host.SendAsync(KeyApiHost.Administrator, "GET", Factor)).Status.Should().Be(403);
        (await host.SendAsync(KeyApiHost.Administrator, "GET", PeopleOnly)).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_fallback_policy_counts_where_a_page_demands_nothing_itself()
    {
        await using KeyApiHost host = await StartAsync(configure: builder => builder.Services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireRole("trained").Build()));

        (await host.SendAsync("alice admin trained", "GET", PeopleOnly)).Status.Should().Be(200);
        (await host.SendAsync("alice admin", "GET", PeopleOnly)).Status.Should().Be(403);
        (await host.SendAsync("alice admin mfa", "GET", Factor)).Status.Should().Be(200);
    }

    [Fact]
    public async Task While_the_store_cannot_answer_requests_with_a_key_are_refused_with_the_time_to_wait()
    {
        var keys = new InMemoryApiKeyStore();
        await using KeyApiHost host = await StartAsync(
            pages => pages.DisableIpAllowlist(),
            builder =>
            {
                builder.Services.AddSingleton(
                    ReadyStore.Create("later", keys, () => false, TimeSpan.FromSeconds(7)));
                builder.Services.AddSingleton<IApiKeyRepository>(
                    provider => new InMemoryApiKeyRepository(keys, provider.GetRequiredService<IAuditLog>()));
            });
        string key = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);

        foreach (string page in Pages)
        {
            Answer answer = await host.SendAsync("alice admin mfa", "GET", page, null, key);
            answer.Status.Should().Be(503);
            answer.Body.Should().StartWith("urn:flowbeacon:problems/keys-unavailable API keys unavailable: ").And.EndWith("Retry-After. 7");
            (await host.SendAsync("alice admin mfa", "GET", page)).Status.Should().Be(200);
        }
    }

    [Fact]
    public async Task A_service_of_the_host_in_its_place_does_not_open_the_endpoints()
    {
        await using KeyApiHost host = await StartAsync(
            configure: builder => builder.Services.AddSingleton<IApiKeyAdmission, AdmitsEverybody>());

        (await host.SendAsync(null, "GET", PeopleOnly)).Status.Should().Be(200, "the host's own pages ask its service");
        (await host.SendAsync(null, "GET", KeyApiHost.Keys)).Status.Should().Be(401);
    }

    [Fact]
    public async Task Without_authorization_it_names_the_missing_call()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(configure: builder => builder.Services.AddRouting());
        var context = new DefaultHttpContext { RequestServices = new ServiceCollection().BuildServiceProvider() };

        Func<Task> ask = () => app.Services.GetRequiredService<IApiKeyAdmission>().AdmitPersonAsync(context);

        await ask.Should().ThrowAsync<InvalidOperationException>().WithMessage("*AddAuthorization()*");
    }

    [Fact]
    public void An_admission_needs_an_actor_or_a_refusal()
    {
        ((Action)(() => ApiKeyAdmission.Admitted(null!))).Should().Throw<ArgumentNullException>();
        ((Action)(() => ApiKeyAdmission.Refused(null!))).Should().Throw<ArgumentNullException>();
    }

    private static Task<KeyApiHost> StartAsync(
        Action<RouteGroupBuilder>? configurePages = null, Action<WebApplicationBuilder>? configure = null) =>
        KeyApiHost.StartAsync(configure, outer: web =>
        {
            RouteGroupBuilder pages = web.MapGroup("/pages").AllowMissingApiKey();
            configurePages?.Invoke(pages);
            pages.MapGet("/keys", (HttpContext context, IApiKeyAdmission admission) => AnswerAsync(context, admission.AdmitPersonAsync));
            pages.MapGet("/denials", (HttpContext context, IApiKeyAdmission admission) => AnswerAsync(context, admission.AdmitReaderAsync));

            // Its framework's own authorization is lifted, as that of an embedded page may be: what it demands counts all the same.
            pages.MapGet("/factor", (HttpContext context, IApiKeyAdmission admission) => AnswerAsync(context, admission.AdmitPersonAsync))
                .RequireAuthorization(policy => policy.RequireRole("mfa")).AllowAnonymous();
            return web;
        });

    private static async Task<IResult> AnswerAsync(HttpContext context, Func<HttpContext, Task<ApiKeyAdmission>> admit)
    {
        ApiKeyAdmission admission = await admit(context);
        if (admission.IsAdmitted)
        {
            return Results.Text($"{admission.Actor.Kind} {admission.Actor.Id} {admission.Actor.Address}");
        }

        ApiKeyAdmissionRefusal refusal = admission.Refusal;
        string wait = refusal.RetryAfter is { } retryAfter ? $" {retryAfter.TotalSeconds:0}" : "";
        return Results.Text($"{refusal.Type} {refusal.Title}: {refusal.Detail}{wait}", statusCode: refusal.Status);
    }

    private sealed class AdmitsEverybody : IApiKeyAdmission
    {
        private static readonly ApiKeyAdmission Everybody =
            ApiKeyAdmission.Admitted(new ApiKeyActor { Kind = ApiKeyActorKind.Anonymous, Id = "everybody" });

        public Task<ApiKeyAdmission> AdmitPersonAsync(HttpContext context) => Task.FromResult(Everybody);

        public Task<ApiKeyAdmission> AdmitReaderAsync(HttpContext context) => Task.FromResult(Everybody);
    }
}
