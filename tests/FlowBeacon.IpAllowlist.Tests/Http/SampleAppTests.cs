using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The sample inside a test server, where a request has no peer address.</summary>
public sealed class SampleAppTests
{
    private const string RestrictedKey = "fb_live_de30de30de30de30de30de30de30de30de30de30de300001";
    private const string UnrestrictedKey = "fb_live_de30de30de30de30de30de30de30de30de30de30de300002";

    public static TheoryData<string, string?, string?, int> Requests => new()
    {
        { "/governance/health", null, null, 200 },
        { "/governance/health", RestrictedKey, "198.51.100.9", 200 },
        { "/governance/report", null, null, 401 },
        { "/governance/report", "a.jwt.token", null, 401 },
        { "/governance/report", RestrictedKey, "203.0.113.7", 200 },
        { "/governance/report", RestrictedKey, "2001:DB8:0::7", 200 },
        { "/governance/report", RestrictedKey, "198.51.100.9", 403 },
        { "/governance/report", RestrictedKey, null, 403 },
        { "/governance/report", UnrestrictedKey, null, 200 },
        { "/governance/report", UnrestrictedKey, "198.51.100.9", 200 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Answers_as_documented(string path, string? rawKey, string? forwardedFor, int status)
    {
        await using WebApplicationFactory<Program> factory = Sample();

        using HttpResponseMessage response = await SendAsync(factory, path, rawKey, forwardedFor);

        ((int)response.StatusCode).Should().Be(status);
    }

    [Fact]
    public async Task Names_no_client_address_where_there_is_no_peer()
    {
        await using WebApplicationFactory<Program> factory = Sample();

        using HttpResponseMessage response = await SendAsync(factory, "/governance/report", RestrictedKey, forwardedFor: null);
        using JsonDocument problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        response.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        problem.RootElement.GetProperty("client_ip").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task Without_a_socket_the_header_of_UseForwardedHeaders_causes_denials()
    {
        await using WebApplicationFactory<Program> factory = Sample();

        using HttpResponseMessage denied = await SendAsync(factory, "/governance/report", RestrictedKey, "203.0.113.7", "X-Original-For");
        using HttpResponseMessage passed = await SendAsync(factory, "/governance/report", UnrestrictedKey, "203.0.113.7", "X-Original-For");

        denied.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        passed.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Starts_without_an_error_on_a_server_that_has_no_address_to_print()
    {
        var logs = new LogRecorder();
        await using WebApplicationFactory<Program> factory = Sample(host => host.ConfigureLogging(logging => logging.AddProvider(logs)));

        factory.CreateClient().Dispose();

        logs.Entries.Should().NotContain(entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("FlowBeacon:IpAllowlist:ClientIpSorce", "PeerAddress")]
    [InlineData("FlowBeacon:IpAllowlist:ClientIpSource", "PeerAdress")]
    public async Task Does_not_start_with_a_misspelt_setting(string name, string value)
    {
        await using WebApplicationFactory<Program> factory = Sample(host => host.UseSetting(name, value));

        Action start = () => factory.CreateClient();

        start.Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public async Task Does_not_start_where_the_framework_processes_X_Forwarded_For()
    {
        await using WebApplicationFactory<Program> factory = Sample(host => host.UseSetting("ForwardedHeaders_Enabled", "true"));

        Action start = () => factory.CreateClient();

        start.Should().Throw<OptionsValidationException>().WithMessage("*ASPNETCORE_FORWARDEDHEADERS_ENABLED*");
    }

    private static WebApplicationFactory<Program> Sample(Action<IWebHostBuilder>? configure = null) =>
        new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            host.ConfigureLogging(logging => logging.ClearProviders());
            configure?.Invoke(host);
        });

    private static async Task<HttpResponseMessage> SendAsync(
        WebApplicationFactory<Program> factory, string path, string? rawKey, string? forwardedFor, string? furtherHeader = null)
    {
        using HttpClient client = factory.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (rawKey is not null)
        {
            request.Headers.Add("Authorization", "Bearer " + rawKey);
        }

        if (forwardedFor is not null)
        {
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        }

        if (furtherHeader is not null)
        {
            request.Headers.Add(furtherHeader, "192.0.2.1:4711");
        }

        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
