using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Attempts by callers that may not administer keys are refused, change nothing, and are recorded.</summary>
public sealed class AdministrationAttackTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string RoleRequired = "Admin or owner role required";
    private const string PolicyNotMet = "Administration policy not met";
    private const string SignInRequired = "Sign in required";

    public static TheoryData<string> Loosened { get; } = ["anybody", "authenticated", "both schemes", "api key scheme", "scope claim"];

    public static TheoryData<string> Transformations { get; } =
        ["same identity", "added identity", "added identity with a type", "replaced principal"];

    [Fact]
    public async Task An_API_key_with_any_scopes_administers_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string victim = (await host.CreateAsync("victim", "203.0.113.7")).Details.Key.Id;
        string plain = (await host.CreateAsync("plain")).RawKey;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(plain));
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(all));
    }

    [Fact]
    public async Task An_API_key_does_not_administer_itself()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All });

        await EveryOperationIsRefusedAsync(host, key.Details.Key.Id, 403, RoleRequired, KeyApiHost.Bearer(key.RawKey));
    }

    [Fact]
    public async Task A_break_glass_key_reads_tries_and_recovers_and_does_nothing_else()
    {
        const string LockedOut = "198.51.100.9";
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey victim = await host.CreateAsync("victim", "203.0.113.7");
        string id = victim.Details.Key.Id;
        string[] glass = [KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey), $"X-Forwarded-For: {LockedOut}"];
        (await host.UseAsync(victim.RawKey, LockedOut)).Should().Be(403);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach (KeyOperation operation in KeyOperation.All.Where(operation => operation.Name != "recover"))
        {
            Answer answer = await host.SendAsync(null, operation.Method, operation.Target(id), operation.Body, glass);

            if (operation.IsRead)
            {
                answer.Status.Should().Be(200, operation.Name);
            }
            else
            {
                answer.ShouldBeProblem(403, RoleRequired);
            }
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        Answer recovered = await host.SendAsync(null, "POST", $"{Keys}/{id}/recover", null, glass);
        recovered.Status.Should().Be(200, recovered.Body);
        (await host.UseAsync(victim.RawKey, LockedOut)).Should().Be(200);
    }

    [Fact]
    public async Task A_break_glass_key_reads_from_every_address_and_each_address_is_on_record()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey glass = await host.CreateBreakGlassAsync();

        foreach (string address in new[] { "203.0.113.7", "198.51.100.9" })
        {
            (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(glass.RawKey), $"X-Forwarded-For: {address}")).Status
                .Should().Be(200);
        }

        (await host.AuditAsync()).Where(entry => entry.Action == AuditAction.BreakGlassUse).Select(entry => entry.Actor)
            .Should().BeEquivalentTo(
            [
                new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = glass.Details.Key.Id, Address = "203.0.113.7" },
                new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = glass.Details.Key.Id, Address = "198.51.100.9" },
            ]);
    }

    [Fact]
    public async Task A_revoked_or_expired_break_glass_key_reads_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey revoked = await host.CreateBreakGlassAsync();
        await host.RevokeAsync(revoked.Details.Key.Id);
        IssuedApiKey expiring = await host.CreateAsync(
            new NewApiKey { AllowedIps = [], Name = "expiring", IsBreakGlass = true, ExpiresAt = KeyApiHost.Start.AddHours(1) });
        host.Time.Advance(TimeSpan.FromHours(1));

        await EveryOperationIsRefusedAsync(
            host, revoked.Details.Key.Id, 401, "Invalid or expired API key", KeyApiHost.Bearer(revoked.RawKey));
        await EveryOperationIsRefusedAsync(
            host, revoked.Details.Key.Id, 401, "Invalid or expired API key", KeyApiHost.Bearer(expiring.RawKey));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_break_glass_key_that_somehow_has_a_list_reads_from_nowhere_else(bool isChecked)
    {
        string glass = TestKeys.Restricted;
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddSingleton<IApiKeyStore>(provider =>
            {
                var store = new InMemoryApiKeyStore();
                store.Set(TestKeys.Create(glass, "glass", "203.0.113.7") with { IsBreakGlass = true });
                return store;
            }),
            pipeline: app =>
            {
                app.UseAuthentication();
                app.UseWhen(_ => isChecked, branch => branch.UseFlowBeaconIpAllowlist());
                app.UseAuthorization();
            });

        Answer answer = await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(glass), "X-Forwarded-For: 198.51.100.9");

        answer.Status.Should().Be(403, answer.Body);
        answer.Body.Should().NotContain("\"keys\"");
    }

    [Fact]
    public async Task A_key_from_a_foreign_address_is_told_about_the_address()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("victim", "203.0.113.7");

        await EveryOperationIsRefusedAsync(
            host, key.Details.Key.Id, 403, "IP address not allowed", KeyApiHost.Bearer(key.RawKey), "X-Forwarded-For: 198.51.100.9");
    }

    [Theory]
    [InlineData("bob")]
    [InlineData("bob member")]
    [InlineData("bob Admin")]
    [InlineData("bob admins")]
    [InlineData("bob admin:read")]
    [InlineData("admin")]
    [InlineData("owner")]
    public async Task A_person_without_the_role_administers_nothing(string person)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;

        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, $"{PersonHandler.Header}: {person}");
    }

    [Fact]
    public async Task Anonymous_callers_administer_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;

        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired);
        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired, "Authorization: Basic YWRtaW46YWRtaW4=");
        await EveryOperationIsRefusedAsync(
            host, victim, 401, SignInRequired, "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.");
        await EveryOperationIsRefusedAsync(host, victim, 401, "Invalid or expired API key", KeyApiHost.Bearer(TestKeys.Unknown));
    }

    [Fact]
    public async Task Methods_that_are_not_mapped_do_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach (string method in new[] { "PUT", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "DELETE" })
        {
            (await host.SendAsync(null, method, Keys, null, "X-HTTP-Method-Override: DELETE")).Status.Should().BeOneOf(405, 404, 401);
            if (method != "DELETE")
            {
                (await host.SendAsync(Administrator, method, $"{Keys}/{victim}", null, "X-HTTP-Method-Override: DELETE")).Status
                    .Should().BeOneOf(405, 404);
            }
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    /// <summary>
    /// What a form or a simple request of another site can send with the cookie of an administrator, if the browser lets it.
    /// </summary>
    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("text/plain")]
    [InlineData(null)]
    public async Task A_forged_post_of_another_site_changes_nothing(string? contentType)
    {
        await using KeyApiHost host = await StartWithCookiesAsync();
        string cookie = await SignInAsync(host);
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        await host.SendAsync(null, "POST", $"{Keys}/{victim}/rotate", null, cookie);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        (await host.SendAsync(null, "GET", Keys, null, cookie)).Status.Should().Be(200, "the cookie is valid");

        foreach (KeyOperation operation in KeyOperation.All.Where(operation => operation.Method == "POST"))
        {
            foreach (string body in new[] { operation.Body ?? "{}", "" })
            {
                var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
                if (contentType is not null)
                {
                    content.Headers.TryAddWithoutValidation("Content-Type", contentType);
                }

                Answer answer = await host.SendContentAsync(
                    null, "POST", operation.Target(victim), content, cookie, "Origin: https://attacker.example",
                    "Sec-Fetch-Site: cross-site");

                answer.ShouldBeProblem(415, "JSON required");
            }
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await host.SendAsync(null, "POST", $"{Keys}/{victim}/end-grace", null, cookie)).Status
            .Should().Be(200, "with JSON it would have worked");
    }

    [Fact]
    public async Task Allowing_anonymous_on_the_group_changes_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(group: keys => keys.AllowAnonymous());
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired);
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(all));
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, $"{PersonHandler.Header}: bob member");
        (await host.SendAsync(Administrator, "GET", Keys)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Leaving_out_the_middleware_of_the_host_opens_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            pipeline: app => app.UseWhen(_ => false, branch => branch.UseFlowBeaconIpAllowlist()));
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;
        string foreign = (await host.CreateAsync("foreign", "203.0.113.7")).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired);
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(all));
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(foreign));
        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired, KeyApiHost.Bearer(TestKeys.Unknown));
        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, $"{PersonHandler.Header}: bob member");
    }

    [Fact]
    public async Task A_host_without_authorization_fails_when_it_maps_and_is_told_the_fix()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddFlowBeaconIpAllowlist().AddKeyManagement();
        builder.Services.AddAuthentication();
        await using WebApplication app = builder.Build();

        app.Invoking(host => host.MapFlowBeaconApiKeys()).Should().Throw<InvalidOperationException>()
            .WithMessage("*builder.Services.AddAuthorization()*");
    }

    [Fact]
    public async Task A_host_without_the_library_fails_when_it_maps_and_is_told_the_fix()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddAuthorization();
        await using WebApplication app = builder.Build();

        app.Invoking(host => host.MapFlowBeaconApiKeys()).Should().Throw<InvalidOperationException>()
            .WithMessage("*builder.Services.AddFlowBeaconIpAllowlist().AddKeyManagement()*");
    }

    [Theory]
    [MemberData(nameof(Loosened))]
    public async Task However_loose_the_policy_of_the_host_is_no_API_key_gets_in(string policy)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => Loosen(builder, policy));
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;
        string foreign = (await host.CreateAsync("foreign", "203.0.113.7")).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, PolicyNotMet, KeyApiHost.Bearer(all));
        await EveryOperationIsRefusedAsync(host, victim, 403, "IP address not allowed", KeyApiHost.Bearer(foreign));
        await EveryOperationIsRefusedAsync(host, victim, 401, SignInRequired);
    }

    [Theory]
    [MemberData(nameof(Loosened))]
    public async Task No_API_key_gets_in_by_being_the_scheme_that_authenticates_by_default(string policy)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            Loosen(builder, policy);
            builder.Services.Configure<AuthenticationOptions>(
                options => options.DefaultScheme = ApiKeyAuthenticationDefaults.AuthenticationScheme);
        });
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, PolicyNotMet, KeyApiHost.Bearer(all));
    }

    [Theory]
    [MemberData(nameof(Transformations))]
    public async Task No_API_key_gets_in_by_a_role_that_a_claims_transformation_gives(string transformation)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Services.Configure<AuthenticationOptions>(
                options => options.DefaultScheme = ApiKeyAuthenticationDefaults.AuthenticationScheme);
            builder.Services.AddSingleton<IClaimsTransformation>(new AdminForEverybody(transformation));
        });
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, KeyApiHost.Bearer(all));
    }

    [Theory]
    [MemberData(nameof(Transformations))]
    public async Task No_API_key_gets_in_by_a_transformed_role_where_the_policy_names_its_scheme(string transformation)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                .AddAuthenticationSchemes(PersonHandler.SchemeName, ApiKeyAuthenticationDefaults.AuthenticationScheme)
                .RequireRole("admin"));
            builder.Services.AddSingleton<IClaimsTransformation>(new AdminForEverybody(transformation));
        });
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, PolicyNotMet, KeyApiHost.Bearer(all));
    }

    [Fact]
    public async Task No_API_key_gets_in_by_another_scheme_that_hands_it_on()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, GatewayHandler>(GatewayHandler.SchemeName, null);
            builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                .AddAuthenticationSchemes(GatewayHandler.SchemeName).RequireAuthenticatedUser());
        });
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, PolicyNotMet, KeyApiHost.Bearer(all));
    }

    [Fact]
    public async Task A_break_glass_key_reads_and_nothing_else_also_where_everybody_is_signed_in()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string glass = (await host.CreateBreakGlassAsync()).RawKey;

        (await host.SendAsync(KeyApiHost.Member, "GET", Keys, null, KeyApiHost.Bearer(glass))).Status.Should().Be(200);
        (await host.SendAsync(KeyApiHost.Member, "GET", Keys)).ShouldBeProblem(403, RoleRequired);
        (await host.SendAsync(KeyApiHost.Member, "POST", Keys, "{}", KeyApiHost.Bearer(glass))).ShouldBeProblem(403, RoleRequired);
    }

    [Fact]
    public async Task A_refusal_reaches_middleware_that_looks_at_the_body_of_the_answer()
    {
        string? seen = null;
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: web =>
        {
            web.Use(async (context, next) =>
            {
                Stream original = context.Response.Body;
                using var copy = new MemoryStream();
                context.Response.Body = copy;
                await next(context);
                seen = Encoding.UTF8.GetString(copy.ToArray());
                context.Response.Body = original;
                await original.WriteAsync(copy.ToArray());
            });
            web.UseAuthentication();
            web.UseFlowBeaconIpAllowlist();
            web.UseAuthorization();
        });

        (await host.SendAsync(null, "GET", Keys)).ShouldBeProblem(401, SignInRequired);

        seen.Should().Contain(SignInRequired);
    }

    /// <summary>
    /// The mirror of the first two above. The added identity without a type is how the framework's own documentation does it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Transformations))]
    public async Task A_person_gets_in_by_a_role_that_a_claims_transformation_gives(string transformation)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddSingleton<IClaimsTransformation>(new AdminForEverybody(transformation)));

        (await host.SendAsync("alice", "GET", Keys)).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_person_that_a_redefined_policy_admits_gets_in()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.AddAuthorizationBuilder()
            .AddPolicy(ApiKeyAdministration.PolicyName, policy => policy.RequireRole("security")));

        (await host.SendAsync("sam security", "POST", Keys, """{"name":"a","allowed_ips":[]}""")).Status.Should().Be(201);
        (await host.SendAsync(Administrator, "POST", Keys, """{"name":"b","allowed_ips":[]}""")).ShouldBeProblem(403, PolicyNotMet);
    }

    [Fact]
    public async Task A_policy_that_asks_for_another_scheme_does_not_take_the_default_one()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, TokenHandler>(TokenHandler.SchemeName, null);
            builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                .AddAuthenticationSchemes(TokenHandler.SchemeName).RequireRole("admin"));
        });

        (await host.SendAsync(Administrator, "GET", Keys)).ShouldBeProblem(401, SignInRequired);
        (await host.SendAsync(null, "GET", Keys, null, "Authorization: Bearer token-of-alice")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Bearer_tokens_of_people_stand_beside_API_keys()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, TokenHandler>(TokenHandler.SchemeName, null);
            builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy => policy
                .AddAuthenticationSchemes(TokenHandler.SchemeName, ApiKeyAuthenticationDefaults.AuthenticationScheme).RequireRole("admin"));
        });
        IssuedApiKey all = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All });
        string id = all.Details.Key.Id;

        (await host.SendAsync(null, "GET", Keys, null, "Authorization: Bearer token-of-alice")).Status.Should().Be(200);
        await EveryOperationIsRefusedAsync(host, id, 403, PolicyNotMet, KeyApiHost.Bearer(all.RawKey));
        await EveryOperationIsRefusedAsync(
            host, id, 401, "Invalid or expired API key", "Authorization: Bearer token-of-alice", KeyApiHost.Bearer(all.RawKey));
        await EveryOperationIsRefusedAsync(
            host, id, 401, "Invalid or expired API key", $"Authorization: Bearer token-of-alice, Bearer {all.RawKey}");
    }

    [Fact]
    public async Task An_administrator_who_also_sends_an_API_key_acts_as_a_person()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string key = (await host.CreateAsync("program")).RawKey;

        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":[]}""", KeyApiHost.Bearer(key));

        created.Status.Should().Be(201, created.Body);
        (await host.AuditAsync())[0].Actor.Should().Match<ApiKeyActor>(actor => actor.Kind == ApiKeyActorKind.User && actor.Id == "alice");
    }

    [Fact]
    public async Task An_API_key_does_not_lift_a_person_and_a_person_does_not_lift_a_foreign_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string victim = (await host.CreateAsync("victim")).Details.Key.Id;
        string all = (await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "all", Scopes = ApiKeyScopes.All })).RawKey;
        string foreign = (await host.CreateAsync("foreign", "203.0.113.7")).RawKey;

        await EveryOperationIsRefusedAsync(host, victim, 403, RoleRequired, $"{PersonHandler.Header}: bob member", KeyApiHost.Bearer(all));
        await EveryOperationIsRefusedAsync(
            host, victim, 403, "IP address not allowed", $"{PersonHandler.Header}: {Administrator}", KeyApiHost.Bearer(foreign),
            "X-Forwarded-For: 198.51.100.9");
    }

    [Theory]
    [InlineData("POST", "", "Content-Length: 1000000000")]
    [InlineData("POST", "", "Transfer-Encoding: chunked")]
    [InlineData("PATCH", "/key_0", "Content-Length: 100")]
    [InlineData("POST", "/key_0/rotate", "Transfer-Encoding: chunked")]
    [InlineData("POST", "/key_0/try", "Transfer-Encoding: chunked")]
    [InlineData("POST", "/key_0/recover", "Content-Length: 100")]
    [InlineData("DELETE", "/key_0", "Content-Length: 100")]
    public async Task Authorizes_callers_before_the_body_is_read(string method, string path, string framing)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.App.IPv4, TestContext.Current.CancellationToken);

        // The headers of a request without its body: code that waits for the body never completes.
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"{method} {Keys}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        string? status = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        status.Should().Be("HTTP/1.1 401 Unauthorized");
    }

    [Fact]
    public async Task Refused_administration_is_recorded_with_actor_action_and_address()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("program");
        string target = $"{Keys}/{key.Details.Key.Id}";

        await host.SendAsync(KeyApiHost.Member, "DELETE", target, null, "X-Forwarded-For: 192.0.2.1");
        await host.SendAsync(null, "PATCH", target, "{}", "X-Forwarded-For: 192.0.2.2");
        await host.SendAsync(null, "POST", Keys, "{}", "X-Forwarded-For: 192.0.2.3", KeyApiHost.Bearer(key.RawKey));

        (await host.AuditAsync()).Where(entry => entry.Action == AuditAction.Refused)
            .Select(entry => $"{entry.Actor.Kind} {entry.Actor.Id} {entry.Actor.Address} {entry.Detail}")
            .Should().Equal(
                $"Key {key.Details.Key.Id} 192.0.2.3 POST {Keys}",
                $"Anonymous anonymous 192.0.2.2 PATCH {Keys}/{{id}}",
                $"User bob 192.0.2.1 DELETE {Keys}/{{id}}");
    }

    [Fact]
    public async Task A_raw_key_pasted_as_the_id_of_a_refused_request_is_not_on_record()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pattern: "/keys");
        string rawKey = (await host.CreateAsync("program")).RawKey;

        await host.SendAsync(null, "GET", $"/keys/{rawKey}");

        AuditEntry refused = (await host.AuditAsync()).Should().Contain(entry => entry.Action == AuditAction.Refused).Subject;
        refused.Detail.Should().NotContain(rawKey[8..24]);
    }

    [Fact]
    public async Task A_flood_of_refusals_pushes_no_change_off_the_record()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Logging.ClearProviders());
        string id = (await host.CreateAsync("victim")).Details.Key.Id;

        for (int number = 0; number < 1_500; number++)
        {
            await host.SendAsync(null, "GET", Keys, null, $"X-Forwarded-For: 10.0.{number / 256}.{number % 256}");
        }

        IReadOnlyList<AuditEntry> audit = await host.AuditAsync();
        audit.Should().Contain(entry => entry.Action == AuditAction.Create && entry.KeyId == id);
        audit.Count.Should().BeLessThanOrEqualTo(1_001 + 1);
    }

    private static async Task EveryOperationIsRefusedAsync(
        KeyApiHost host, string id, int status, string title, params string[] headerLines)
    {
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        foreach (KeyOperation operation in KeyOperation.All)
        {
            Answer answer = await host.SendAsync(null, operation.Method, operation.Target(id), operation.Body, headerLines);

            answer.Status.Should().Be(status, $"{operation.Name}: {answer.Body}");
            answer.ShouldBeProblem(status, title);
            answer.Headers.WwwAuthenticate.Any().Should().Be(status == 401);
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    private static void Loosen(WebApplicationBuilder builder, string policy) => builder.Services.AddAuthorizationBuilder()
        .AddPolicy(ApiKeyAdministration.PolicyName, candidate => _ = policy switch
        {
            "anybody" => candidate.RequireAssertion(_ => true),
            "authenticated" => candidate.RequireAuthenticatedUser(),
            "both schemes" =>
                candidate.AddAuthenticationSchemes(PersonHandler.SchemeName, ApiKeyAuthenticationDefaults.AuthenticationScheme)
                    .RequireAssertion(_ => true),
            "api key scheme" =>
                candidate.AddAuthenticationSchemes(ApiKeyAuthenticationDefaults.AuthenticationScheme).RequireAuthenticatedUser(),
            _ =>
                candidate.AddAuthenticationSchemes(ApiKeyAuthenticationDefaults.AuthenticationScheme)
                    .RequireClaim(ApiKeyAuthenticationDefaults.ScopeClaim, ApiKeyScopes.Admin),
        });

    private static Task<KeyApiHost> StartWithCookiesAsync() => KeyApiHost.StartAsync(
        builder =>
        {
            builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
                .AddCookie(options => options.Cookie.SameSite = SameSiteMode.None);
        },
        pipeline: app =>
        {
            app.UseAuthentication();
            app.UseFlowBeaconIpAllowlist();
            app.UseAuthorization();
            app.MapGet("/sign-in", context => context.SignInAsync(new ClaimsPrincipal(
                new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, "alice"), new Claim(ClaimTypes.Role, "admin")], "Password"))));
        });

    /// <summary>Signs in and gives the header line of the cookie.</summary>
    private static async Task<string> SignInAsync(KeyApiHost host)
    {
        Answer answer = await host.SendAsync(null, "GET", "/sign-in");
        return $"Cookie: {answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]}";
    }

    /// <summary>A substitute for a JWT handler, with bearer tokens of people only.</summary>
    private sealed class TokenHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string SchemeName = "Token";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            bool isToken = AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out AuthenticationHeaderValue? value)
                && value is { Scheme: "Bearer", Parameter: "token-of-alice" };
            var identity = new ClaimsIdentity(
                [new Claim(ClaimTypes.NameIdentifier, "alice"), new Claim(ClaimTypes.Role, "admin")], Scheme.Name);
            return Task.FromResult(isToken
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name))
                : AuthenticateResult.NoResult());
        }
    }

    /// <summary>Takes over what our scheme proved, under its own name.</summary>
    private sealed class GatewayHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string SchemeName = "Gateway";

        protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            AuthenticateResult inner = await Context.AuthenticateAsync(ApiKeyAuthenticationDefaults.AuthenticationScheme);
            return inner.Succeeded
                ? AuthenticateResult.Success(new AuthenticationTicket(inner.Principal, SchemeName))
                : AuthenticateResult.NoResult();
        }
    }

    /// <summary>A careless host that makes every authenticated caller an administrator.</summary>
    private sealed class AdminForEverybody(string way) : IClaimsTransformation
    {
        private static readonly Claim Role = new(ClaimTypes.Role, "admin");

        public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
        {
            switch (way)
            {
                case "same identity":
                    ((ClaimsIdentity)principal.Identity!).AddClaim(Role);
                    return Task.FromResult(principal);
                case "added identity":
                    principal.AddIdentity(new ClaimsIdentity([Role]));
                    return Task.FromResult(principal);
                case "added identity with a type":
                    principal.AddIdentity(new ClaimsIdentity([Role], "Roles"));
                    return Task.FromResult(principal);
                default:
                    return Task.FromResult(new ClaimsPrincipal(new ClaimsIdentity([.. principal.Claims, Role], "Enriched")));
            }
        }
    }
}
