using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Disabling and enabling a key over HTTP, with real requests between.</summary>
public sealed class DisableApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string Elsewhere = "198.51.100.9";
    private const string Disable = """{"enabled":false}""";
    private const string DisableAnyway = """{"enabled":false,"accept_lockout_risk":true}""";
    private const string Enable = """{"enabled":true}""";

    [Fact]
    public async Task A_disabled_key_is_answered_like_a_revoked_one_until_it_is_enabled()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        IssuedApiKey revoked = await host.CreateAsync("revoked", Listed);
        await host.RevokeAsync(revoked.Details.Key.Id);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);

        (await PatchAsync(host, key, Disable)).ShouldBeProblem(409, "Lockout risk").Detail.Should().Be(
            $"The change would deny {Listed}, in use within the last 24 hours. Switch its clients to another key first, or repeat the"
            + " change with accept_lockout_risk.");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);

        Answer disabled = await PatchAsync(host, key, DisableAnyway);
        disabled.Status.Should().Be(200, disabled.Body);
        disabled.Text("state").Should().Be("disabled");
        disabled.Json.GetProperty("enabled").GetBoolean().Should().BeFalse();
        foreach (string address in new[] { Listed, Elsewhere })
        {
            Answer refused = await ReportAsync(host, key, address);
            refused.Status.Should().Be(401);
            refused.Body.Should().Be((await ReportAsync(host, revoked, address)).Body);
        }

        Answer enabled = await PatchAsync(host, key, Enable);
        enabled.Text("state").Should().Be("active");
        enabled.Json.GetProperty("enabled").GetBoolean().Should().BeTrue();
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
    }

    [Fact]
    public async Task A_key_is_not_disabled_while_traffic_cannot_be_read_unless_that_is_accepted()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddSingleton<IApiKeyTraffic>(FaultyTraffic.Away));
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);

        Answer refused = await PatchAsync(host, key, Disable);
        refused.ShouldBeProblem(503, "Traffic unavailable").Detail.Should().EndWith("or repeat the change with accept_lockout_risk.");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200, "nothing was changed");

        Answer accepted = await PatchAsync(host, key, DisableAnyway);
        accepted.Status.Should().Be(200, accepted.Body);
        accepted.Text("state").Should().Be("disabled");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(401);
        (await host.AuditAsync())[0].Detail.Should().Be("lockout risk accepted for sources that could not be read");
    }

    [Fact]
    public async Task Each_is_an_action_of_its_own_on_record()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);

        await PatchAsync(host, key, Disable);
        await PatchAsync(host, key, Enable);

        Answer audit = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?key_id={key.Details.Key.Id}");
        audit.Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("action").GetString())
            .Should().Equal("enable", "disable", "create");
    }

    [Fact]
    public async Task A_disabled_key_is_neither_rotated_nor_recovered_nor_enabled_by_that()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string target = $"{Keys}/{key.Details.Key.Id}";
        await PatchAsync(host, key, Disable);

        (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).ShouldBeProblem(409, "Conflict");
        (await host.SendAsync(
            Administrator, "POST", $"{target}/recover", $$"""{"key":"{{key.RawKey}}"}""", $"X-Forwarded-For: {Elsewhere}"))
            .ShouldBeProblem(409, "Conflict");

        (await host.SendAsync(Administrator, "GET", target)).Text("state").Should().Be("disabled");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task A_revoked_key_is_not_enabled()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        await PatchAsync(host, key, Disable);
        await host.RevokeAsync(key.Details.Key.Id);

        (await PatchAsync(host, key, Enable)).ShouldBeProblem(409, "Conflict").Detail.Should().StartWith("The key is revoked");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task A_disabled_break_glass_key_administers_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(glass.RawKey))).Status.Should().Be(200);
        (await PatchAsync(host, glass, DisableAnyway)).Status.Should().Be(200);

        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(glass.RawKey))).Status.Should().Be(401);
    }

    [Theory]
    [InlineData("""{"enabled":null}""")]
    [InlineData("""{"enabled":"false"}""")]
    [InlineData("""{"enabled":0}""")]
    public async Task Anything_but_true_or_false_is_refused(string body)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);

        (await PatchAsync(host, key, body)).Status.Should().Be(400);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
    }

    private static Task<Answer> PatchAsync(KeyApiHost host, IssuedApiKey key, string body) =>
        host.SendAsync(Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", body);

    private static Task<Answer> ReportAsync(KeyApiHost host, IssuedApiKey key, string address) =>
        host.SendAsync(null, "GET", "/report", null, KeyApiHost.Bearer(key.RawKey), $"X-Forwarded-For: {address}");
}
