using System.Net;
using System.Text;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>What a refused client reads.</summary>
public sealed class AnswerTests
{
    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    public static TheoryData<string, string> ClientAddresses => new()
    {
        { "198.51.100.9", "198.51.100.9" },
        { "198.51.100.9:4711", "198.51.100.9" },
        { "::ffff:198.51.100.9", "198.51.100.9" },
        { "[2001:DB8:0:0:0:0:0:9]:443", "2001:db8::9" },
        { "0:0:0:0:0:0:0:0", "::" },
    };

    [Theory]
    [MemberData(nameof(ClientAddresses))]
    public async Task A_403_has_exactly_these_members(string forwardedFor, string canonical)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse response = await app.GetAsync(Key, HeaderLine.ForwardedFor(forwardedFor));

        response.Status.Should().Be(403);
        using JsonDocument problem = Problem(response);
        problem.RootElement.EnumerateObject().Select(member => member.Name)
            .Should().Equal("type", "title", "status", "detail", "client_ip");
        problem.RootElement.GetProperty("type").GetString().Should().Be("urn:flowbeacon:problems/ip-not-allowed");
        problem.RootElement.GetProperty("title").GetString().Should().Be("IP address not allowed");
        problem.RootElement.GetProperty("status").GetInt32().Should().Be(403);
        problem.RootElement.GetProperty("client_ip").GetString().Should().Be(canonical);
        response.Headers.Should().NotContainKey("WWW-Authenticate");
    }

    [Fact]
    public async Task A_403_names_null_when_no_address_is_usable()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse response = await app.GetAsync(Key, HeaderLine.ForwardedFor("<script>, 203.0.113.7"));

        using JsonDocument problem = Problem(response);
        problem.RootElement.GetProperty("client_ip").ValueKind.Should().Be(JsonValueKind.Null);
        response.Content.Should().NotContain("script");
    }

    [Fact]
    public async Task A_403_can_leave_the_client_address_out()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), options => options.ShowClientIp = false);

        RawResponse response = await app.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.9"));

        response.Status.Should().Be(403);
        using JsonDocument problem = Problem(response);
        problem.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal("type", "title", "status", "detail");
        response.Content.Should().NotContain("198.51.100.9");
    }

    [Theory]
    [InlineData(TestKeys.Unknown)]
    [InlineData(TestKeys.Expired)]
    [InlineData(TestKeys.Revoked)]
    [InlineData(null)]
    public async Task A_401_has_exactly_these_members_and_says_how_to_authenticate(string? rawKey)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), options => options.RequireApiKey = true);

        RawResponse response = await app.GetAsync(rawKey is null ? [] : [HeaderLine.Bearer(rawKey)]);

        response.Status.Should().Be(401);
        using JsonDocument problem = Problem(response);
        problem.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal("type", "title", "status", "detail");
        problem.RootElement.GetProperty("type").GetString().Should().Be("urn:flowbeacon:problems/invalid-api-key");
        problem.RootElement.GetProperty("title").GetString().Should().Be("Invalid or expired API key");
        problem.RootElement.GetProperty("status").GetInt32().Should().Be(401);
        response.Headers["WWW-Authenticate"].Should().Be("Bearer");
    }

    [Theory]
    [InlineData("Authorization", "Bearer")]
    [InlineData("authorization", "Bearer")]
    [InlineData("X-Api-Key", "ApiKey header=\"X-Api-Key\"")]
    public async Task A_401_names_the_scheme_by_which_a_key_is_presented(string keyHeader, string challenge)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            options =>
            {
                options.ApiKeyHeaderName = keyHeader;
                options.RequireApiKey = true;
            });

        RawResponse missing = await app.GetAsync();
        RawResponse invalid = await app.GetAsync(keyHeader == "X-Api-Key"
            ? $"X-Api-Key: {TestKeys.Revoked}"
            : HeaderLine.Bearer(TestKeys.Revoked));

        missing.Status.Should().Be(401);
        missing.Headers["WWW-Authenticate"].Should().Be(challenge);
        invalid.Status.Should().Be(401);
        invalid.Headers["WWW-Authenticate"].Should().Be(challenge);
    }

    [Fact]
    public async Task An_unknown_an_expired_and_a_revoked_key_are_answered_alike()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        string[] bodies =
        [
            (await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown))).Content,
            (await app.GetAsync(HeaderLine.Bearer(TestKeys.Expired))).Content,
            (await app.GetAsync(HeaderLine.Bearer(TestKeys.Revoked))).Content,
        ];

        bodies.Distinct().Should().ContainSingle();
    }

    [Theory]
    [InlineData(TestKeys.Restricted, 403)]
    [InlineData(TestKeys.Unknown, 401)]
    public async Task A_refusal_to_HEAD_has_the_headers_of_GET_and_no_body(string rawKey, int status)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse get = await KestrelApp.SendAsync(app.IPv4, "GET", "/", HeaderLine.Bearer(rawKey));
        RawResponse head = await KestrelApp.SendAsync(app.IPv4, "HEAD", "/", HeaderLine.Bearer(rawKey));

        head.Status.Should().Be(status);
        head.Body.Should().BeEmpty();
        head.Headers.Where(header => header.Key != "Date").Should().BeEquivalentTo(get.Headers.Where(header => header.Key != "Date"));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("MADEUP")]
    public async Task A_refusal_does_not_depend_on_the_method(string method)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse response = await KestrelApp.SendAsync(app.IPv4, method, "/", Key);

        response.Status.Should().Be(403);
        Problem(response).Dispose();
    }

    [Fact]
    public async Task When_the_response_has_already_started_the_connection_is_cut_and_the_endpoint_does_not_run()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.Use(async (context, next) =>
            {
                await context.Response.WriteAsync("early");
                await next(context);
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ =>
            {
                ran = true;
                return Task.CompletedTask;
            });
        });

        foreach (string rawKey in new[] { TestKeys.Restricted, TestKeys.Unknown })
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{app.IPv4}/");
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + rawKey);

            Func<Task> reading = () => client.SendAsync(request, TestContext.Current.CancellationToken);

            await reading.Should().ThrowAsync<HttpRequestException>();
        }

        ran.Should().BeFalse();
        app.Logs.OfLibrary.Where(entry => entry.Id.Id == 5).Should().HaveCount(2);
    }

    [Fact]
    public async Task A_403_carries_nothing_that_an_earlier_part_of_the_pipeline_meant_for_the_real_answer()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.Use((context, next) =>
            {
                context.Response.Headers.CacheControl = "public, max-age=3600";
                context.Response.ContentLength = 5;
                context.Response.ContentType = "text/html";
                return next(context);
            });
            pipeline.UseFlowBeaconIpAllowlist();
        });

        using JsonDocument problem = Problem(await app.GetAsync(Key));

        problem.RootElement.GetProperty("status").GetInt32().Should().Be(403);
    }

    [Fact]
    public async Task Both_refusals_read_the_same_on_http2()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        foreach (string rawKey in new[] { TestKeys.Restricted, TestKeys.Unknown })
        {
            RawResponse http1 = await app.GetAsync(HeaderLine.Bearer(rawKey));
            using HttpResponseMessage http2 = await Http2Request.GetAsync(app.Http2, HeaderLine.Bearer(rawKey));

            http2.Version.Should().Be(HttpVersion.Version20);
            ((int)http2.StatusCode).Should().Be(http1.Status);
            http2.Content.Headers.ContentType!.ToString().Should().Be("application/problem+json");
            (await http2.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Should().Be(http1.Content);
        }
    }

    private static JsonDocument Problem(RawResponse response)
    {
        response.Headers["Content-Type"].Should().Be("application/problem+json");
        response.Headers["Cache-Control"].Should().Be("no-store");
        response.Headers["Content-Length"]
            .Should().Be(Encoding.UTF8.GetByteCount(response.Body).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return JsonDocument.Parse(response.Body);
    }
}
