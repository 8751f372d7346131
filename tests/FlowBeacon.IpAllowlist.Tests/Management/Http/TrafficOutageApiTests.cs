using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>While the recorded traffic cannot be read, keys can be looked up and revoked, and what is about traffic alone is 503.</summary>
public sealed class TrafficOutageApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    [Fact]
    public async Task Keys_are_listed_read_and_revoked_without_their_use()
    {
        await using KeyApiHost host = await StartAsync();
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

        Answer listed = await host.SendAsync(Administrator, "GET", Keys);
        Answer read = await host.SendAsync(Administrator, "GET", $"{Keys}/{id}");
        Answer revoked = await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}");

        listed.Status.Should().Be(200, listed.Body);
        JsonElement key = listed.Json.GetProperty("keys")[0];
        key.GetProperty("use_unknown").GetBoolean().Should().BeTrue();
        key.GetProperty("last_used_at").ValueKind.Should().Be(JsonValueKind.Null);
        read.Status.Should().Be(200, read.Body);
        read.Json.GetProperty("use_unknown").GetBoolean().Should().BeTrue();
        read.Json.GetProperty("entries").GetArrayLength().Should().Be(1);
        revoked.Text("state").Should().Be("revoked");
    }

    [Fact]
    public async Task A_use_that_is_known_is_not_marked()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

        (await host.SendAsync(Administrator, "GET", $"{Keys}/{id}")).Members.Should().NotContain("use_unknown");
        (await host.SendAsync(Administrator, "GET", Keys)).Body.Should().NotContain("use_unknown");
    }

    [Theory]
    [InlineData("/denials")]
    [InlineData("/{id}/denials")]
    [InlineData("/{id}/sources")]
    [InlineData("/{id}/suggestion")]
    public async Task What_is_about_traffic_alone_is_unavailable(string path)
    {
        await using KeyApiHost host = await StartAsync();
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

        Answer answer = await host.SendAsync(Administrator, "GET", Keys + path.Replace("{id}", id, StringComparison.Ordinal));

        answer.ShouldBeProblem(503, "Traffic unavailable").Detail.Should().Be(
            "The recorded traffic could not be read, or not in time. Repair the store of the traffic, then try again.");
    }

    private static Task<KeyApiHost> StartAsync() =>
        KeyApiHost.StartAsync(builder => builder.Services.AddSingleton<IApiKeyTraffic, UnreadableTraffic>());
}
