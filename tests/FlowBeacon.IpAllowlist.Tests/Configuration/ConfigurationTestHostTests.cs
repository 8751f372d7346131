using System.Net;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Keys that a host's own tests set, as people test applications: <c>WebApplicationFactory</c> and <c>UseSetting</c>.</summary>
public sealed class ConfigurationTestHostTests
{
    private const string DemoUnrestricted = "fb_live_de30de30de30de30de30de30de30de30de30de30de300002";

    private static readonly (string Name, string Value)[] Key =
    [
        ("FlowBeacon:Keys:of-the-test:Hash", KeyJson.Hash(TestKeys.Restricted)),
        ("FlowBeacon:Keys:of-the-test:AllowedIps:0", "203.0.113.7"),
        ("FlowBeacon:Keys:of-the-test:AllowedIps:1", "2001:db8::7"),
    ];

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task A_key_that_a_test_sets_is_in_force(string environment)
    {
        await using WebApplicationFactory<Program> factory = Sample(environment, Key);

        (await StatusAsync(factory, TestKeys.Restricted, "203.0.113.7")).Should().Be(HttpStatusCode.OK);
        (await StatusAsync(factory, TestKeys.Restricted, "2001:db8::7")).Should().Be(HttpStatusCode.OK);
        (await StatusAsync(factory, TestKeys.Restricted, "198.51.100.9")).Should().Be(HttpStatusCode.Forbidden);
        (await StatusAsync(factory, DemoUnrestricted, "198.51.100.9"))
            .Should().Be(environment == "Development" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Entries_that_a_test_sets_member_by_member_are_in_force()
    {
        await using WebApplicationFactory<Program> factory = Sample(
            "Production",
            ("FlowBeacon:Keys:of-the-test:Hash", KeyJson.Hash(TestKeys.Restricted)),
            ("FlowBeacon:Keys:of-the-test:AllowedIps:0:Ip", "203.0.113.7"),
            ("FlowBeacon:Keys:of-the-test:AllowedIps:0:Note", "office"),
            ("FlowBeacon:Keys:of-the-test:AllowedIps:1:Ip", "2001:db8::7"),
            ("FlowBeacon:Keys:of-the-test:AllowedIps:1:ExpiresAt", "2000-01-01T00:00:00Z"));

        (await StatusAsync(factory, TestKeys.Restricted, "203.0.113.7")).Should().Be(HttpStatusCode.OK);
        (await StatusAsync(factory, TestKeys.Restricted, "2001:db8::7")).Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_list_of_a_file_that_a_test_changes_is_still_a_fault()
    {
        using var folder = new KeyFolder();
        string file = folder.Write("keys.json", KeyJson.File(KeyJson.Key("of-the-file", TestKeys.Restricted, """["203.0.113.7"]""")));

        Func<Task> start = () => StartAsync(file, "--FlowBeacon:Keys:of-the-file:AllowedIps:0=198.51.100.9");

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage(
            "*FlowBeacon:Keys:of-the-file:AllowedIps: the list comes from *json*");
    }

    [Fact]
    public async Task A_list_that_a_test_sets_empty_is_still_a_fault()
    {
        Func<Task> start = () => StartAsync(
            null, $"--FlowBeacon:Keys:of-the-test:Hash={KeyJson.Hash(TestKeys.Restricted)}", "--FlowBeacon:Keys:of-the-test:AllowedIps=");

        await start.Should().ThrowAsync<InvalidOperationException>()
            .WithMessage("*FlowBeacon:Keys:of-the-test:AllowedIps: an empty text is no list; write [] in a JSON file*");
    }

    /// <summary>
    /// Starts an application with settings where the factory puts them, on its command line. The factory itself tells of a start that fails
    /// by whichever exception comes first.
    /// </summary>
    private static async Task StartAsync(string? file, params string[] arguments)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(configure: builder =>
        {
            if (file is not null)
            {
                builder.Configuration.AddJsonFile(file);
            }

            builder.Configuration.AddCommandLine(arguments);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
    }

    private static WebApplicationFactory<Program> Sample(string environment, params (string Name, string Value)[] settings) =>
        new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            host.UseEnvironment(environment);
            foreach ((string name, string value) in settings)
            {
                host.UseSetting(name, value);
            }
        });

    private static async Task<HttpStatusCode> StatusAsync(WebApplicationFactory<Program> factory, string rawKey, string forwardedFor)
    {
        using HttpClient client = factory.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/governance/report");
        request.Headers.Add("Authorization", $"Bearer {rawKey}");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
