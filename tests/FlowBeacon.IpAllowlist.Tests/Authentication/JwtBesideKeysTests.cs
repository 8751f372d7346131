using System.Security.Claims;
using System.Security.Cryptography;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>The set-up of docs/jwt.md, with the real JWT bearer: neither scheme logs the other's credentials as failures.</summary>
public sealed class JwtBesideKeysTests
{
    private static readonly SymmetricSecurityKey SigningKey = new(RandomNumberGenerator.GetBytes(32));
    private static readonly string FromListed = HeaderLine.ForwardedFor(SchemeKeys.Listed);
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor(SchemeKeys.NotListed);
    private static readonly string Key = HeaderLine.Bearer(SchemeKeys.Evaluator);
    private static readonly string Staff = HeaderLine.Bearer(Token("staff"));
    private static readonly string Guest = HeaderLine.Bearer(Token("guest"));

    public static TheoryData<string, string> Requests => new()
    {
        { "/either", "a key" },
        { "/either", "a JWT" },
        { "/key", "a key" },
        { "/key", "a JWT" },
        { "/person", "a key" },
        { "/person", "a JWT" },
        { "/open", "a key" },
        { "/open", "a JWT" },
        { "/api/v1/keys", "a key" },
        { "/api/v1/keys", "a JWT" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task No_scheme_logs_a_failure_about_the_credential_of_the_other(string path, string credential)
    {
        await using KestrelApp app = await StartAsync();

        await app.GetPathAsync(path, credential == "a key" ? Key : Staff, FromListed);

        FailuresOf(app).Should().BeEmpty();
    }

    /// <summary>The documented behaviour without it, so that the test above can fail.</summary>
    [Fact]
    public async Task With_JWT_bearer_as_the_default_scheme_each_key_is_logged_as_a_failure()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            SchemeKeys.Store(),
            configure: builder =>
            {
                builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(Jwt).AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
            },
            pipeline: Map);

        await app.GetPathAsync("/key", Key, FromListed);

        FailuresOf(app).Should().NotBeEmpty();
    }

    [Fact]
    public async Task Each_endpoint_answers_as_the_document_says()
    {
        await using KestrelApp app = await StartAsync();

        Answer.Of(await app.GetPathAsync("/either", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/either", Key, FromElsewhere)).Should().Be(Answer.Denied);
        Answer.Of(await app.GetPathAsync("/either", Staff)).Should().Be(Answer.Ok("alice"));
        RawResponse nobody = await app.GetPathAsync("/either");
        (nobody.Status, nobody.Headers["WWW-Authenticate"], nobody.Content).Should().Be((401, "Bearer", ""));

        Answer.Of(await app.GetPathAsync("/key", Key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/key", Staff)).Should().Be(Answer.MissingKey);
        Answer.Of(await app.GetPathAsync("/key")).Should().Be(Answer.MissingKey);

        Answer.Of(await app.GetPathAsync("/person", Key, FromListed)).Should().Be(Answer.InsufficientScope);
        Answer.Of(await app.GetPathAsync("/person", Staff)).Should().Be(Answer.Ok("alice"));
        (await app.GetPathAsync("/person", Guest)).Status.Should().Be(403);
        (await app.GetPathAsync("/person")).Status.Should().Be(401);
    }

    [Fact]
    public async Task A_person_with_a_JWT_administers_keys_and_a_key_does_not()
    {
        await using KestrelApp app = await StartAsync();

        (await app.GetPathAsync("/api/v1/keys", HeaderLine.Bearer(Token("admin")))).Status.Should().Be(200);
        (await app.GetPathAsync("/api/v1/keys", Staff)).Status.Should().Be(403);
        (await app.GetPathAsync("/api/v1/keys", Key, FromListed)).Status.Should().Be(403);
        RawResponse nobody = await app.GetPathAsync("/api/v1/keys");
        (nobody.Status, nobody.Headers["WWW-Authenticate"]).Should().Be((401, "Bearer"));
    }

    [Fact]
    public async Task An_endpoint_that_names_the_scheme_of_JWT_bearer_logs_each_key()
    {
        await using KestrelApp app = await StartAsync();

        await app.GetPathAsync("/named", Key, FromListed);

        FailuresOf(app).Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_key_in_a_header_of_its_own_never_meets_JWT_bearer()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            SchemeKeys.Store(),
            options => options.ApiKeyHeaderName = "X-Api-Key",
            builder =>
            {
                builder.Services.AddAuthentication("KeyOrJwt")
                    .AddPolicyScheme("KeyOrJwt", displayName: null, options => options.ForwardDefaultSelector = context =>
                        context.Request.Headers.ContainsKey("X-Api-Key")
                            ? ApiKeyAuthenticationDefaults.AuthenticationScheme
                            : JwtBearerDefaults.AuthenticationScheme)
                    .AddJwtBearer(Jwt)
                    .AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
            },
            Map);
        string key = $"X-Api-Key: {SchemeKeys.Evaluator}";

        Answer.Of(await app.GetPathAsync("/either", key, FromListed)).Should().Be(Answer.Ok("Evaluator of production"));
        Answer.Of(await app.GetPathAsync("/either", Staff)).Should().Be(Answer.Ok("alice"));
        FailuresOf(app).Should().BeEmpty();
        Answer.Of(await app.GetPathAsync("/either", key, FromElsewhere)).Should().Be(Answer.Denied);
    }

    [Fact]
    public void The_document_shows_this_set_up()
    {
        string document = File.ReadAllText(RepositoryFolder.Combine("docs", "jwt.md"));
        string source = WithoutSpace(File.ReadAllText(
            RepositoryFolder.Combine("tests", "FlowBeacon.IpAllowlist.Tests", "Authentication", "JwtBesideKeysTests.cs")));

        string[] blocks = [.. document.Split("```csharp\n").Skip(1).Select(block => WithoutSpace(block.Split("```")[0]))];

        blocks.Should().HaveCount(2).And.OnlyContain(block => source.Contains(block));

        static string WithoutSpace(string text) => string.Concat(text.Where(character => !char.IsWhiteSpace(character)));
    }

    private static string[] FailuresOf(KestrelApp app) =>
    [
        .. app.Logs.Entries
            .Where(entry => entry.Exception is not null || entry.Level >= LogLevel.Warning
                || (entry.Category.Contains("Jwt") && entry.Message.Contains("fail", StringComparison.OrdinalIgnoreCase)))
            .Where(entry => !IsOfStart(entry))
            .Select(entry => $"{entry.Category}: {entry.Message}"),
    ];

    /// <summary>Warnings of start-up about the client-address source and keys in memory.</summary>
    private static bool IsOfStart(LogEntry entry) => entry.Id.Id is 6 or 23 && entry.Category == "FlowBeacon.IpAllowlist";

    private static string Token(string role) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = "tests",
        Audience = "tests",
        Subject = new ClaimsIdentity([new Claim(ClaimTypes.Name, "alice"), new Claim(ClaimTypes.Role, role)]),
        SigningCredentials = new SigningCredentials(SigningKey, SecurityAlgorithms.HmacSha256),
    });

    private static void Jwt(JwtBearerOptions options) => options.TokenValidationParameters = new TokenValidationParameters
    {
        ValidIssuer = "tests",
        ValidAudience = "tests",
        IssuerSigningKey = SigningKey,
    };

    private static Task<KestrelApp> StartAsync()
    {
        Action<JwtBearerOptions> jwt = Jwt;
        return KestrelApp.StartAsync(
            SchemeKeys.Store(),
            configure: builder =>
            {
                builder.Services.AddFlowBeaconIpAllowlist();
                builder.Services.AddAuthentication("KeyOrJwt")
                    .AddPolicyScheme("KeyOrJwt", displayName: null, options => options.ForwardDefaultSelector = context =>
                        context.Request.Headers.Authorization.ToString().StartsWith("Bearer fb_live_", StringComparison.OrdinalIgnoreCase)
                            ? ApiKeyAuthenticationDefaults.AuthenticationScheme
                            : JwtBearerDefaults.AuthenticationScheme)
                    .AddJwtBearer(jwt)
                    .AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
            },
            pipeline: Map);
    }

    private static void Map(WebApplication app)
    {
        app.UseFlowBeaconIpAllowlist();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGet("/either", (ClaimsPrincipal caller) => caller.Identity!.Name).RequireAuthorization();
        app.MapGet("/key", (ClaimsPrincipal caller) => caller.Identity!.Name).RequireApiKeyScope("governance:read");
        app.MapGet("/person", (ClaimsPrincipal caller) => caller.Identity!.Name)
            .RequireAuthorization(policy => policy.RequireRole("staff"));
        app.MapGet("/open", () => "open");
        app.MapGet("/named", () => "in").RequireAuthorization(
            new AuthorizeAttribute { AuthenticationSchemes = JwtBearerDefaults.AuthenticationScheme });
        app.MapFlowBeaconApiKeys();
    }
}
