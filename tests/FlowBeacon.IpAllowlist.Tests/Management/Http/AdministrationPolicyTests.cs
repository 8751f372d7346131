using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The refusals of key administration say what the host's own policy demands.</summary>
public sealed class AdministrationPolicyTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string NotMet = "Administration policy not met";

    public static TheoryData<string, string> Policies => new()
    {
        { "role", "It requires the role keymaster." },
        { "roles", "It requires the role keymaster or sre." },
        { "claim", "It requires the claim amr." },
        { "claim value", "It requires a certain value of the claim tenant." },
        { "assertion", "It requires a check of the host's own." },
        { "all", "It requires the role keymaster, the claim amr, a check of the host's own." },
        { "more than the default", "It requires the role admin or owner, the claim amr." },
        { "one of the default roles", "It requires the role admin." },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task A_person_and_a_key_are_told_what_the_policy_of_the_host_demands(string policy, string demand)
    {
        await using KeyApiHost host = await StartAsync(builder => Define(builder, policy));
        IssuedApiKey key = await host.CreateAsync("some");

        foreach (Answer answer in new[]
        {
            await host.SendAsync(KeyApiHost.Member, "GET", Keys),
            await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(key.RawKey)),
        })
        {
            answer.ShouldBeProblem(403, NotMet);
            answer.Text("type").Should().Be("urn:flowbeacon:problems/administration-policy-not-met");
            answer.Detail.Should().Contain(ApiKeyAdministration.PolicyName).And.EndWith(demand).And.NotContain("acme");
        }
    }

    [Fact]
    public async Task A_host_that_defines_the_same_as_the_default_gets_the_same_words()
    {
        await using KeyApiHost host = await StartAsync(policy => policy.RequireAuthenticatedUser().RequireRole("owner", "admin"));

        (await host.SendAsync(KeyApiHost.Member, "GET", Keys)).ShouldBeProblem(403, "Admin or owner role required");
    }

    [Fact]
    public async Task A_policy_that_only_wants_somebody_says_so_to_a_key()
    {
        await using KeyApiHost host = await StartAsync(policy => policy.RequireAuthenticatedUser());
        IssuedApiKey key = await host.CreateAsync("some");

        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(key.RawKey))).ShouldBeProblem(403, NotMet)
            .Detail.Should().EndWith("It requires a signed-in person.");
    }

    [Theory]
    [InlineData(new string[0], PersonHandler.SchemeName)]
    [InlineData(new[] { "Negotiate" }, "Negotiate")]
    [InlineData(new[] { ApiKeyAuthenticationDefaults.AuthenticationScheme, "Negotiate", "Badge" }, "Negotiate, Badge")]
    [InlineData(new[] { "Single sign-on" }, "Session")]
    public async Task A_401_names_the_schemes_by_which_people_sign_in(string[] schemes, string challenge)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            foreach (string scheme in new[] { "Negotiate", "Badge", "Single sign-on" })
            {
                builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, PersonHandler>(scheme, null);
            }

            builder.Services.AddAuthorizationBuilder().AddPolicy(
                ApiKeyAdministration.PolicyName, policy => policy.AddAuthenticationSchemes(schemes).RequireRole("admin"));
        });

        Answer answer = await host.SendAsync(null, "GET", Keys);

        answer.ShouldBeProblem(401, "Sign in required");
        string.Join(", ", answer.Headers.WwwAuthenticate).Should().Be(challenge);
    }

    private static Task<KeyApiHost> StartAsync(Action<AuthorizationPolicyBuilder> policy) => KeyApiHost.StartAsync(
        builder => builder.Services.AddAuthorizationBuilder().AddPolicy(ApiKeyAdministration.PolicyName, policy));

    private static void Define(AuthorizationPolicyBuilder policy, string demand) => _ = demand switch
    {
        "role" => policy.RequireAuthenticatedUser().RequireRole("keymaster"),
        "roles" => policy.RequireRole("keymaster", "sre"),
        "claim" => policy.RequireClaim("amr"),
        "claim value" => policy.RequireClaim("tenant", "acme"),
        "assertion" => policy.RequireAssertion(_ => false),
        "all" => policy.RequireRole("keymaster").RequireClaim("amr").RequireAssertion(_ => false),
        "more than the default" => policy.RequireRole("admin", "owner").RequireClaim("amr"),
        _ => policy.RequireRole("admin"),
    };
}
