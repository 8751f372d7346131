using System.Buffers;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

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
        await using KestrelApp plain = await StartAsync();

        RawResponse response = await SendAsync(app, path, key);
        RawResponse expected = await SendAsync(plain, path, key);

        response.Status.Should().Be(status).And.Be(expected.Status);
        foreach (string header in new[] { "Content-Type", "Cache-Control", "WWW-Authenticate" })
        {
            response.Headers.GetValueOrDefault(header).Should().Be(expected.Headers.GetValueOrDefault(header), header);
        }

        using var problem = JsonDocument.Parse(response.Content);
        using var ours = JsonDocument.Parse(expected.Content);
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
    public async Task Keep_status_and_headers_with_any_customisation(string key, string path, int status, string type)
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
        await ShouldBeAsWithoutItAsync(app, path, key, status, type, "Accept: text/html");
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

        using var problem = JsonDocument.Parse(response.Content);
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

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Are_as_without_it_where_the_customisation_throws_which_is_logged(string key, string path, int status, string type)
    {
        await using KestrelApp app = await StartAsync(problem =>
        {
            problem.HttpContext.Response.StatusCode = 200;
            throw new InvalidOperationException("the customisation failed");
        });

        await ShouldBeAsWithoutItAsync(app, path, key, status, type);

        app.Logs.Entries.Should().ContainSingle(entry => entry.Level == LogLevel.Error).Which.Should().Match<LogEntry>(
            entry => entry.Id.Name == "HostProblemFailed" && entry.Exception!.Message == "the customisation failed");
    }

    [Fact]
    public async Task That_the_service_cannot_write_are_logged_once_a_minute()
    {
        await using KestrelApp app = await StartAsync(_ => throw new InvalidOperationException("the customisation failed"));

        await SendAsync(app, "/", Denied);
        await SendAsync(app, "/", Missing);

        // The minute may have changed in between.
        app.Logs.Entries.Count(entry => entry.Id.Name == "HostProblemFailed").Should().BeInRange(1, 2);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Are_as_without_it_where_the_service_fails_in_the_middle_of_the_body(string key, string path, int status, string type)
    {
        await using KestrelApp app = await StartAsync(writer: new HalfWriter(async response =>
        {
            await response.WriteAsync("half of a body");
            await response.StartAsync();
            await response.Body.FlushAsync();
            throw new InvalidOperationException("the writer failed");
        }));

        await ShouldBeAsWithoutItAsync(app, path, key, status, type);
    }

    [Fact]
    public async Task Have_all_that_a_writer_of_the_host_left_in_the_pipe()
    {
        await using KestrelApp app = await StartAsync(writer: new HalfWriter(response =>
        {
            response.Headers["Warning"] = "199";
            response.BodyWriter.Write("not flushed"u8);
            return Task.CompletedTask;
        }));

        RawResponse response = await SendAsync(app, "/", Denied);

        response.Status.Should().Be(403);
        response.Content.Should().Be("not flushed");
        response.Headers["Content-Type"].Should().Be("application/problem+json");
        response.Headers["Content-Length"].Should().Be("11");
        response.Headers["Warning"].Should().Be("199");
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
        using var problem = JsonDocument.Parse(response.Content);
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

    private static async Task ShouldBeAsWithoutItAsync(
        KestrelApp app, string path, string key, int status, string type, params string[] lines)
    {
        await using KestrelApp plain = await StartAsync();

        RawResponse response = await SendAsync(app, path, [key, .. lines]);
        RawResponse expected = await SendAsync(plain, path, [key, .. lines]);

        response.Status.Should().Be(status, type);
        response.Content.Should().Be(expected.Content).And.Contain(type);
        response.Headers.Where(header => header.Key != "Date").Should()
            .BeEquivalentTo(expected.Headers.Where(header => header.Key != "Date"));
    }

    private static Task<RawResponse> SendAsync(KestrelApp app, string path, params string[] lines) => KestrelApp.SendAsync(
        app.IPv4, "GET", path, [.. lines.Where(line => line.Length > 0), HeaderLine.ForwardedFor(SchemeKeys.NotListed)]);

    private static Task<KestrelApp> StartAsync(
        Action<ProblemDetailsContext>? customise = null, Action<IpAllowlistOptions>? options = null, IApiKeyStore? store = null,
        IProblemDetailsWriter? writer = null) =>
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
                if (writer is not null)
                {
                    builder.Services.AddSingleton(writer).AddProblemDetails();
                }

                if (customise is not null)
                {
                    builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = customise);
                }
            });

    /// <summary>A writer of the host that takes every problem.</summary>
    private sealed class HalfWriter(Func<HttpResponse, Task> write) : IProblemDetailsWriter
    {
        public bool CanWrite(ProblemDetailsContext context) => true;

        public async ValueTask WriteAsync(ProblemDetailsContext context) => await write(context.HttpContext.Response);
    }

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
