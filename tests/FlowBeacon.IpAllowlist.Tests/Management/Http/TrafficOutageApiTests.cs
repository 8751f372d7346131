using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>While the recorded traffic cannot be read, keys can be looked up and revoked, and what is about traffic alone is 503.</summary>
public sealed class TrafficOutageApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    [Theory]
    [InlineData(null)]
    [InlineData("ReadLastUsedAsync")]
    [InlineData("ReadSourcesAsync")]
    [InlineData("ReadSecretsLastUsedAsync")]
    public async Task A_key_is_read_and_revoked_without_its_use_whichever_query_fails(string? query)
    {
        await using KeyApiHost host = await StartAsync(new FaultyTraffic(query, _ => throw new FormatException("A damaged row.")));
        string id = await CreateRotatedAsync(host);

        Answer read = await host.SendAsync(Administrator, "GET", $"{Keys}/{id}");
        Answer revoked = await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}");

        read.Status.Should().Be(200, read.Body);
        ShouldHaveNoUse(read.Json);
        read.Json.GetProperty("entries").GetArrayLength().Should().Be(1);
        read.Texts("warnings").Should().BeEmpty();
        revoked.Text("state").Should().Be("revoked");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("ReadLastUsedAsync")]
    [InlineData("ReadSecretsLastUsedAsync")]
    public async Task Keys_are_listed_without_their_use_whichever_query_fails(string? query)
    {
        await using KeyApiHost host = await StartAsync(new FaultyTraffic(query, _ => throw new IOException()));
        await CreateRotatedAsync(host);

        Answer listed = await host.SendAsync(Administrator, "GET", Keys);

        listed.Status.Should().Be(200, listed.Body);
        ShouldHaveNoUse(listed.Json.GetProperty("keys")[0]);
    }

    [Fact]
    public async Task A_use_that_is_known_is_not_marked()
    {
        await using KeyApiHost host = await StartAsync(new FaultyTraffic("none", _ => throw new IOException()));
        string id = await CreateRotatedAsync(host);

        Answer read = await host.SendAsync(Administrator, "GET", $"{Keys}/{id}");

        read.Members.Should().NotContain("use_unknown");
        read.Text("last_used_ip").Should().Be("203.0.113.7");
        (await host.SendAsync(Administrator, "GET", Keys)).Body.Should().NotContain("use_unknown");
    }

    [Theory]
    [InlineData("/denials", "ReadDenialsAsync")]
    [InlineData("/denials", "ReadTotalsAsync")]
    [InlineData("/{id}/denials", null)]
    [InlineData("/{id}/sources", null)]
    [InlineData("/{id}/suggestion", null)]
    public async Task What_is_about_traffic_alone_is_unavailable(string path, string? query)
    {
        await using KeyApiHost host = await StartAsync(new FaultyTraffic(query, _ => throw new FormatException("A damaged row.")));
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

        Answer answer = await host.SendAsync(Administrator, "GET", Keys + path.Replace("{id}", id, StringComparison.Ordinal));

        answer.ShouldBeProblem(503, "Traffic unavailable").Detail.Should().Be(
            "The recorded traffic could not be read, or not in time. Repair the store of the traffic, then try again.");
    }

    [Theory]
    [InlineData("", 200)]
    [InlineData("/{id}", 200)]
    [InlineData("/denials", 503)]
    [InlineData("/{id}/sources", 503)]
    public async Task Traffic_that_does_not_answer_is_waited_for_five_seconds(string path, int status)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KeyApiHost host = await StartAsync(new FaultyTraffic(query: null, _ =>
        {
            asked.TrySetResult();
            return new TaskCompletionSource().Task;
        }));
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

        Task<Answer> answer = host.SendAsync(Administrator, "GET", Keys + path.Replace("{id}", id, StringComparison.Ordinal));
        await asked.Task;
        host.Time.Advance(TimeSpan.FromSeconds(5));

        (await answer).Status.Should().Be(status);
    }

    private static void ShouldHaveNoUse(JsonElement key)
    {
        key.GetProperty("use_unknown").GetBoolean().Should().BeTrue();
        key.GetProperty("last_used_at").ValueKind.Should().Be(JsonValueKind.Null);
        key.GetProperty("last_used_ip").ValueKind.Should().Be(JsonValueKind.Null);
        key.GetProperty("retiring").TryGetProperty("last_used_at", out _).Should().BeFalse();
    }

    private static async Task<string> CreateRotatedAsync(KeyApiHost host)
    {
        string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;
        (await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/rotate")).Status.Should().Be(200);
        return id;
    }

    private static Task<KeyApiHost> StartAsync(IApiKeyTraffic traffic) =>
        KeyApiHost.StartAsync(builder => builder.Services.AddSingleton(traffic));
}
