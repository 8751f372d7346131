using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Where a key was used from, as people read it over HTTP.</summary>
public sealed class SourcesApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";

    [Fact]
    public async Task Sources_have_every_member_and_the_last_seen_comes_first()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        foreach (string? forwardedFor in new[] { Listed, "2001:DB8:0::9", "unknown", "::ffff:203.0.113.7", null, "_hidden" })
        {
            host.Time.Advance(TimeSpan.FromMinutes(1));
            (await host.UseAsync(key.RawKey, forwardedFor)).Should().Be(200);
        }

        Answer answer = await host.SendAsync(Administrator, "GET", $"{Keys}/{key.Details.Key.Id}/sources");

        answer.Status.Should().Be(200);
        answer.ContentType.Should().Be("application/json");
        answer.Headers.CacheControl!.ToString().Should().Be("no-store");
        answer.Body.Should().Be(
            """
            {"sources":[
            {"ip":"127.0.0.1","origin":"peer","first_seen":"2027-01-01T12:05:00+00:00","last_seen":"2027-01-01T12:05:00+00:00","count":1},
            {"ip":"203.0.113.7","origin":"forwarded_for",
            "first_seen":"2027-01-01T12:01:00+00:00","last_seen":"2027-01-01T12:04:00+00:00","count":2},
            {"ip":"2001:db8::9","origin":"forwarded_for",
            "first_seen":"2027-01-01T12:02:00+00:00","last_seen":"2027-01-01T12:02:00+00:00","count":1}],
            "without_address":{"ip":null,"origin":"none",
            "first_seen":"2027-01-01T12:03:00+00:00","last_seen":"2027-01-01T12:06:00+00:00","count":2},
            "older_sources_evicted":false,"watching_since":"2027-01-01T12:00:00+00:00"}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task Only_uses_that_got_through_count_and_only_for_their_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey listed = await host.CreateAsync("listed", Listed);
        IssuedApiKey rehearsed = await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });
        IssuedApiKey unused = await host.CreateAsync("unused");

        (await host.UseAsync(listed.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(listed.RawKey, "198.51.100.9")).Should().Be(403);
        (await host.UseAsync(listed.RawKey, "unknown")).Should().Be(403);
        (await host.UseAsync(rehearsed.RawKey, "198.51.100.9")).Should().Be(200);
        await host.RevokeAsync(unused.Details.Key.Id);
        (await host.UseAsync(unused.RawKey, Listed)).Should().Be(401);

        (await SourcesAsync(host, listed)).Should().Equal($"{Listed} 1");
        (await SourcesAsync(host, rehearsed)).Should().Equal("198.51.100.9 1");
        (await host.SendAsync(Administrator, "GET", $"{Keys}/{unused.Details.Key.Id}/sources")).Body.Should().Be(
            """{"sources":[],"without_address":null,"older_sources_evicted":false,"watching_since":"2027-01-01T12:00:00+00:00"}""");
    }

    [Fact]
    public async Task An_unknown_key_is_not_found()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "GET", $"{Keys}/key_unknown/sources")).ShouldBeProblem(404, "Key not found")
            .Detail.Should().Be("There is no key with this id.");
    }

    [Fact]
    public async Task The_least_recently_seen_is_evicted_for_a_new_one_and_the_answer_shows_it()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.Configure<IpAllowlistOptions>(options => options.MaxSourcesPerKey = 2));
        IssuedApiKey key = await host.CreateAsync("make-grid");
        async Task UseAsync(params string[] addresses)
        {
            foreach (string address in addresses)
            {
                host.Time.Advance(TimeSpan.FromSeconds(1));
                (await host.UseAsync(key.RawKey, address)).Should().Be(200);
            }
        }

        await UseAsync("192.0.2.1", "192.0.2.2", "192.0.2.1");
        (await IsEvictedAsync()).Should().BeFalse();
        await UseAsync("192.0.2.3");

        (await SourcesAsync(host, key)).Should().Equal("192.0.2.3 1", "192.0.2.1 2");
        (await IsEvictedAsync()).Should().BeTrue();

        await UseAsync("192.0.2.2");
        (await SourcesAsync(host, key)).Should().Equal("192.0.2.2 1", "192.0.2.3 1");

        async Task<bool> IsEvictedAsync() => (await host.SendAsync(Administrator, "GET", $"{Keys}/{key.Details.Key.Id}/sources"))
            .Json.GetProperty("older_sources_evicted").GetBoolean();
    }

    [Fact]
    public async Task Both_secrets_of_a_rotated_key_are_one_source()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{Keys}/{key.Details.Key.Id}/rotate");

        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(rotated.Text("key"), Listed)).Should().Be(200);

        (await SourcesAsync(host, key)).Should().Equal($"{Listed} 2");
    }

    [Fact]
    public async Task A_use_counts_once_however_many_parts_of_the_host_ask_for_its_verdict()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey glass = await host.CreateBreakGlassAsync();

        // The scheme, the middleware and the guard of key administration all evaluate the request.
        (await host.SendAsync(null, "GET", Keys, null, KeyApiHost.Bearer(glass.RawKey), $"X-Forwarded-For: {Listed}")).Status
            .Should().Be(200);

        (await SourcesAsync(host, glass)).Should().Equal($"{Listed} 1");
    }

    /// <summary>Each source as address and count.</summary>
    private static async Task<string[]> SourcesAsync(KeyApiHost host, IssuedApiKey key)
    {
        JsonElement json = (await host.SendAsync(Administrator, "GET", $"{Keys}/{key.Details.Key.Id}/sources")).Json;
        return
        [
            .. json.GetProperty("sources").EnumerateArray()
                .Select(source => $"{source.GetProperty("ip").GetString()} {source.GetProperty("count").GetInt64()}"),
        ];
    }
}
