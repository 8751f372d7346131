using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The name of a key from configuration is its id, which is part of URLs of key administration.</summary>
public sealed class ConfigurationKeyNameTests : IDisposable
{
    private readonly KeyFolder _folder = new();

    /// <summary>Names that look difficult and are not.</summary>
    public static TheoryData<string> AddressableNames =>
    [
        "make-grid", "audit-log", "audits", "denial", "...", ".a", "a.", "..a", "a b", "a?b", "a#b", "a+b", "a&b=c", "a%", "a%20b", "a%2Fb",
        "%2F", "%2e%2e", "a\\b", "\\", "a;b", "ключ", "鍵", "🔑", "<script>", "{id}", "*", "~", "\"", "'",
    ];

    /// <summary>Names that no URL of a key reaches.</summary>
    public static TheoryData<string> OtherNames =>
    [
        "audit", "AUDIT", "Audit", "denials", "Denials", "nodes", "NODES", ".", "..", "/", "a/b", "/a", "a/", "../audit",
    ];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(AddressableNames))]
    public async Task A_key_of_any_name_that_is_read_can_be_addressed(string name)
    {
        await using KeyApiHost host = await StartAsync(name);

        Answer answer = await host.SendAsync(KeyApiHost.Administrator, "GET", $"{KeyApiHost.Keys}/{Uri.EscapeDataString(name)}");

        answer.Status.Should().Be(200);
        answer.Text("id").Should().Be(name);
    }

    [Theory]
    [MemberData(nameof(OtherNames))]
    public async Task A_name_that_cannot_be_addressed_stops_the_start_with_its_place_and_the_remedy(string name)
    {
        Func<Task> start = async () => await (await StartAsync(name)).DisposeAsync();

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should()
            .Contain($"FlowBeacon:Keys:{name}: ").And.Contain("cannot be part of the URL of key administration").And
            .Contain("choose another name");
    }

    [Fact]
    public async Task Every_route_of_administration_that_a_name_could_hide_is_refused_as_a_name()
    {
        await using KeyApiHost host = await StartAsync("a");

        string[] taken =
        [
            .. host.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                .Select(endpoint => endpoint.RoutePattern.RawText!)
                .Where(route => route.StartsWith($"{KeyApiHost.Keys}/", StringComparison.Ordinal))
                .Select(route => route[(KeyApiHost.Keys.Length + 1)..].Split('/')[0])
                .Where(segment => segment.Length > 0 && segment[0] != '{')
                .Distinct(),
        ];

        taken.Should().NotBeEmpty().And.BeSubsetOf(OtherNames.Select(row => row.Data));
    }

    private Task<KeyApiHost> StartAsync(string name)
    {
        string json = KeyJson.File(KeyJson.Key(JsonEncodedText.Encode(name).ToString(), TestKeys.Restricted, """["203.0.113.7"]"""));
        return KeyApiHost.StartAsync(builder =>
        {
            builder.Configuration.AddJsonFile(_folder.Write("keys.json", json));
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
    }
}
