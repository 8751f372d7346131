using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The list that would fit a key's traffic, as people read it over HTTP.</summary>
public sealed class SuggestionApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Settled = "203.0.113.7";
    private const string New = "198.51.100.9";

    [Fact]
    public async Task Stable_sources_are_suggested_and_a_new_one_is_listed_apart_with_every_member()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        await UseAsync(host, key, Settled, "2001:DB8::7");
        host.Time.Advance(TimeSpan.FromHours(168));
        await UseAsync(host, key, Settled, "2001:db8::7", New);
        host.Time.Advance(TimeSpan.FromMinutes(20));
        await UseAsync(host, key, New);

        Answer answer = await SuggestAsync(host, key);

        answer.Status.Should().Be(200);
        answer.ContentType.Should().Be("application/json");
        answer.Headers.CacheControl!.ToString().Should().Be("no-store");
        answer.Body.Should().Be(
            """
            {"advice":"allowlist","allowed_ips":["203.0.113.7","2001:db8::7"],
            "new_sources":[
            {"ip":"198.51.100.9","first_seen":"2027-01-08T12:00:00+00:00","first_seen_ago":"20 minutes",
            "last_seen":"2027-01-08T12:20:00+00:00","count":2}],
            "confidence":"high","notes":["198.51.100.9 was first seen 20 minutes ago and is left out: add it if you know whose it is"]}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task An_update_accepts_the_suggestion_which_admits_the_stable_sources()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string[] sources = [Settled, "192.0.2.1", "2001:db8::7"];
        await UseAsync(host, key, sources);
        host.Time.Advance(TimeSpan.FromHours(2));
        await UseAsync(host, key, sources);

        string allowedIps = (await SuggestAsync(host, key)).Json.GetProperty("allowed_ips").GetRawText();
        Answer updated = await host.SendAsync(
            Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", $$"""{"allowed_ips":{{allowedIps}}}""");

        updated.Status.Should().Be(200, updated.Body);
        await UseAsync(host, key, sources);
        (await host.UseAsync(key.RawKey, New)).Should().Be(403);
    }

    [Fact]
    public async Task The_window_is_that_of_the_query_and_a_week_without_one()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        await UseAsync(host, key, "192.0.2.1");
        host.Time.Advance(TimeSpan.FromHours(12));
        await UseAsync(host, key, Settled);
        host.Time.Advance(TimeSpan.FromHours(160));

        (await ListAsync("?window_hours=160")).Should().Equal(Settled);
        (await ListAsync("?window_hours=159")).Should().BeEmpty();
        (await ListAsync("")).Should().Equal(Settled);
        (await ListAsync("?window_hours=168")).Should().Equal(Settled);
        (await ListAsync("?window_hours=172")).Should().Equal("192.0.2.1", Settled);
        (await ListAsync("?window_hours=720")).Should().Equal("192.0.2.1", Settled);

        async Task<IReadOnlyList<string>> ListAsync(string query) => (await SuggestAsync(host, key, query)).Texts("allowed_ips");
    }

    [Fact]
    public async Task A_short_watch_and_uses_without_an_address_are_told_and_leave_little_confidence()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        await UseAsync(host, key, Settled, "unknown", "unknown");
        host.Time.Advance(TimeSpan.FromMinutes(30));

        (await SuggestAsync(host, key)).Body.Should().Be(
            """
            {"advice":"allowlist","allowed_ips":["203.0.113.7"],"new_sources":[],"confidence":"low","notes":[
            "watched for only 30 minutes of a window of 7 days: addresses that are used less often may be missing",
            "2 uses had no usable client address, the last 30 minutes ago: a list would deny them",
            "first used 30 minutes ago: too short to tell new addresses from stable ones, so check each of them"]}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task Without_traffic_there_is_no_suggested_list()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Settled);
        await host.UseAsync(key.RawKey, New);
        host.Time.Advance(TimeSpan.FromHours(1));

        (await SuggestAsync(host, key, "?window_hours=1")).Body.Should().Be(
            """{"advice":"nothing_seen","allowed_ips":[],"new_sources":[],"confidence":"low","notes":[]}""");
    }

    [Fact]
    public async Task Addresses_that_keep_changing_are_not_to_be_allowlisted()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        for (int hour = 0; hour < 4; hour++)
        {
            await UseAsync(host, key, $"192.0.2.{hour}", $"2001:db8::{hour}");
            host.Time.Advance(TimeSpan.FromHours(1));
        }

        (await SuggestAsync(host, key, "?window_hours=4")).Body.Should().Be(
            """
            {"advice":"do_not_allowlist","allowed_ips":[],"new_sources":[],"confidence":"low","notes":[
            "do not allowlist this key: its addresses keep changing (8 in 4 hours, new ones throughout), as with rotating egress.
             A list would cut it off; protect it with an expiry, narrow scopes and rotation, or use a fixed egress address"]}
            """.ReplaceLineEndings(""));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("721")]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("")]
    public async Task A_window_out_of_range_is_refused(string hours)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");

        (await SuggestAsync(host, key, $"?window_hours={hours}")).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("window_hours: must be a number from 1 to 720");
    }

    [Fact]
    public async Task An_unknown_key_is_not_found()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "GET", $"{Keys}/key_unknown/suggestion")).ShouldBeProblem(404, "Key not found")
            .Detail.Should().Be("There is no key with this id.");
    }

    private static Task<Answer> SuggestAsync(KeyApiHost host, IssuedApiKey key, string query = "") =>
        host.SendAsync(Administrator, "GET", $"{Keys}/{key.Details.Key.Id}/suggestion{query}");

    private static async Task UseAsync(KeyApiHost host, IssuedApiKey key, params string[] addresses)
    {
        foreach (string address in addresses)
        {
            (await host.UseAsync(key.RawKey, address)).Should().Be(200);
        }
    }
}
