using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Refusals in a host that calls <c>AddProblemDetails()</c>.</summary>
public sealed class HostProblemTests
{
    private const string Missing = "";
    private static readonly string Denied = HeaderLine.Bearer(SchemeKeys.Evaluator);

    /// <summary>A key, the path, and the refusal as it is without the host's service.</summary>
    public static TheoryData<string, string, int, string> Refusals => new()
    {
        { Missing, "/", 401, "invalid-api-key" },
        { HeaderLine.Bearer(TestKeys.Revoked), "/", 401, "invalid-api-key" },
        { Denied, "/", 403, "ip-not-allowed" },
        { HeaderLine.Bearer(SchemeKeys.Anywhere), "/scope", 403, "insufficient-scope" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Are_written_by_its_service_with_its_customisation_and_trace_id(string key, string path, int status, string type)
    {
        await using KestrelApp app = await StartAsync(problem => problem.ProblemDetails.Extensions["support"] = "ops@host.example");
        await using KestrelApp plain = await StartAsync(customise: null);

        RawResponse response = await SendAsync(app, path, key);
        RawResponse expected = await SendAsync(plain, path, key);

        response.Status.Should().Be(status).And.Be(expected.Status);
        foreach (string header in new[] { "Content-Type", "Cache-Control", "WWW-Authenticate" })
        {
            response.Headers.GetValueOrDefault(header).Should().Be(expected.Headers.GetValueOrDefault(header), header);
        }

        using var problem = JsonDocument.Parse(response.Body);
        using var ours = JsonDocument.Parse(expected.Body);
        problem.RootElement.GetProperty("type").GetString().Should().Be("urn:flowbeacon:problems/" + type);
        problem.RootElement.GetProperty("support").GetString().Should().Be("ops@host.example");
        problem.RootElement.GetProperty("traceId").GetString().Should().NotBeEmpty();
        foreach (JsonProperty member in ours.RootElement.EnumerateObject())
        {
            JsonElement.DeepEquals(problem.RootElement.GetProperty(member.Name), member.Value).Should().BeTrue(member.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Keep_status_and_headers_whatever_the_customisation_does(string key, string path, int status, string type)
    {
        await using KestrelApp app = await StartAsync(problem =>
        {
            HttpResponse response = problem.HttpContext.Response;
            response.StatusCode = 200;
            response.Headers.CacheControl = "public, max-age=3600";
            response.Headers.Remove("WWW-Authenticate");
            response.OnStarting(() =>
            {
                response.StatusCode = 202;
                return Task.CompletedTask;
            });
        });

        RawResponse response = await SendAsync(app, path, key);

        response.Status.Should().Be(status, type);
        response.Headers["Cache-Control"].Should().Be("no-store");
        response.Headers.ContainsKey("WWW-Authenticate").Should().Be(status == 401);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Are_as_without_it_where_the_service_declines(string key, string path, int status, string type)
    {
        await using KestrelApp app = await StartAsync(problem => problem.ProblemDetails.Extensions["support"] = "ops@host.example");
        await using KestrelApp plain = await StartAsync(customise: null);

        RawResponse response = await SendAsync(app, path, key, "Accept: text/html");
        RawResponse expected = await SendAsync(plain, path, key, "Accept: text/html");

        response.Status.Should().Be(status, type);
        response.Content.Should().Be(expected.Content);
        response.Headers.Where(header => header.Key != "Date").Should()
            .BeEquivalentTo(expected.Headers.Where(header => header.Key != "Date"));
    }

    [Fact]
    public async Task Do_not_name_the_client_address_where_the_host_does_not_want_it()
    {
        await using KestrelApp app = await StartAsync(_ => { }, options => options.ShowClientIp = false);

        RawResponse response = await SendAsync(app, "/", Denied);

        response.Status.Should().Be(403);
        response.Content.Should().Contain("traceId").And.NotContain("client_ip").And.NotContain(SchemeKeys.NotListed);
    }

    [Fact]
    public async Task Name_null_where_no_address_is_usable()
    {
        await using KestrelApp app = await StartAsync(_ => { });

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, "GET", "/", Denied, HeaderLine.ForwardedFor("<script>"));

        using var problem = JsonDocument.Parse(response.Body);
        problem.RootElement.GetProperty("client_ip").ValueKind.Should().Be(JsonValueKind.Null);
        response.Content.Should().NotContain("script");
    }

    [Fact]
    public async Task Tell_the_customisation_the_address_as_a_text()
    {
        object? seen = null;
        await using KestrelApp app = await StartAsync(problem => seen = problem.ProblemDetails.Extensions["client_ip"]);

        await SendAsync(app, "/", Denied);

        seen.Should().Be(SchemeKeys.NotListed);
    }

    [Fact]
    public async Task Are_not_written_at_all_where_OnDenied_has_answered()
    {
        bool isAsked = false;
        await using KestrelApp app = await StartAsync(_ => isAsked = true, options => options.OnDenied = async (denied, cancellation) =>
        {
            denied.HandleResponse();
            await denied.HttpContext.Response.WriteAsync("mine", cancellation);
        });

        RawResponse response = await SendAsync(app, "/", Denied);

        response.Status.Should().Be(403);
        response.Content.Should().Be("mine");
        isAsked.Should().BeFalse();
    }

    [Fact]
    public async Task A_customisation_that_throws_is_a_server_error_and_admits_nobody()
    {
        await using KestrelApp app = await StartAsync(_ => throw new InvalidOperationException("the customisation failed"));

        RawResponse response = await SendAsync(app, "/", Denied);

        response.Status.Should().Be(500);
        response.Content.Should().BeEmpty();
    }

    [Theory]
    [InlineData("/controller", false)]
    [InlineData("/api-controller", true)]
    public async Task At_controllers_have_a_body_whether_or_not_MVC_writes_problems_for_them(string path, bool isByMvc)
    {
        await using KestrelApp app = await StartAsync(_ => { });

        RawResponse response = await SendAsync(app, path, Denied);

        response.Status.Should().Be(403);
        response.Headers["Content-Type"].Should().StartWith("application/problem+json");
        response.Headers["Cache-Control"].Should().Be("no-store");
        using var problem = JsonDocument.Parse(response.Body);
        problem.RootElement.GetProperty("title").GetString().Should().Be("IP address not allowed");
        problem.RootElement.GetProperty("client_ip").GetString().Should().Be(SchemeKeys.NotListed);
        problem.RootElement.TryGetProperty("traceId", out _).Should().Be(isByMvc);
    }

    [Fact]
    public async Task To_HEAD_have_no_body()
    {
        await using KestrelApp app = await StartAsync(_ => { });

        RawResponse response = await KestrelApp.SendAsync(
            app.IPv4, "HEAD", "/", Denied, HeaderLine.ForwardedFor(SchemeKeys.NotListed));

        response.Status.Should().Be(403);
        response.Body.Should().BeEmpty();
    }

    [Fact]
    public async Task Of_a_store_that_cannot_answer_keep_the_time_to_wait()
    {
        await using KestrelApp app = await StartAsync(
            problem => problem.HttpContext.Response.Headers.RetryAfter = "0",
            store: new ScriptedStore((_, _) => throw new ApiKeyStoreUnavailableException("loading", TimeSpan.FromSeconds(3))));

        RawResponse response = await SendAsync(app, "/", Denied);

        response.Status.Should().Be(503);
        response.Headers["Retry-After"].Should().Be("3");
        response.Content.Should().Contain("keys-unavailable").And.Contain("traceId");
    }

    private static Task<RawResponse> SendAsync(KestrelApp app, string path, params string[] lines) => KestrelApp.SendAsync(
        app.IPv4, "GET", path, [.. lines.Where(line => line.Length > 0), HeaderLine.ForwardedFor(SchemeKeys.NotListed)]);

    private static Task<KestrelApp> StartAsync(
        Action<ProblemDetailsContext>? customise, Action<IpAllowlistOptions>? options = null, IApiKeyStore? store = null) =>
        SchemeApp.StartAsync(
            web =>
            {
                web.UseFlowBeaconIpAllowlist();
                web.UseAuthentication();
                web.UseAuthorization();
                web.MapGet("/", () => "in").RequireApiKey();
                web.MapGet("/scope", () => "in").RequireApiKeyScope(ApiKeyScopes.Admin);
                web.MapControllers();
            },
            options,
            store,
            builder =>
            {
                builder.AddControllers(typeof(PlainController), typeof(ApiController));
                if (customise is not null)
                {
                    builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = customise);
                }
            });

    [Route("/controller")]
    internal sealed class PlainController : ControllerBase
    {
        [HttpGet]
        public string Get() => "in";
    }

    [ApiController]
    [Route("/api-controller")]
    internal sealed class ApiController : ControllerBase
    {
        [HttpGet]
        public string Get() => "in";
    }
}
