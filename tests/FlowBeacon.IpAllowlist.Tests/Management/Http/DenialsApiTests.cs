using System.Net.Sockets;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Denials over HTTP: key, address, reason, and where the address came from.</summary>
public sealed class DenialsApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string InstantExpected = "must be an instant with offset, such as 2027-01-31T00:00:00Z; write + as %2B";

    /// <summary>The source, X-Forwarded-For (null: none), and the row of the denial: reason, ip, origin, hop.</summary>
    public static TheoryData<ClientIpSource, string?, string> Reasons => new()
    {
        { ClientIpSource.ForwardedForFirst, NotListed, "not_listed 198.51.100.9 forwarded_for 1" },
        { ClientIpSource.ForwardedForFirst, $" , [2001:DB8::9]:80 , {Listed}", "not_listed 2001:db8::9 forwarded_for 1" },
        { ClientIpSource.ForwardedForFirst, null, "not_listed 127.0.0.1 peer null" },
        { ClientIpSource.ForwardedForFirst, "", "not_listed 127.0.0.1 peer null" },
        { ClientIpSource.ForwardedForFirst, $"unknown, {Listed}", "unusable_forwarded_for null none 1" },
        { ClientIpSource.TrustedProxies, NotListed, "not_listed 198.51.100.9 forwarded_for 1" },
        { ClientIpSource.TrustedProxies, $"{Listed}, {NotListed}, 127.0.0.2, 127.0.0.3", "not_listed 198.51.100.9 forwarded_for 3" },
        { ClientIpSource.TrustedProxies, "127.0.0.9, 127.0.0.2", "not_listed 127.0.0.9 forwarded_for 2" },
        { ClientIpSource.TrustedProxies, null, "not_listed 127.0.0.1 peer null" },
        { ClientIpSource.TrustedProxies, $"{Listed}, unknown, 127.0.0.2", "unusable_forwarded_for null none 2" },
        {
            ClientIpSource.TrustedProxies, $"{Listed}{string.Concat(Enumerable.Repeat(", 127.0.0.2", 20))}",
            "unusable_forwarded_for null none 21"
        },
        { ClientIpSource.PeerAddress, Listed, "not_listed 127.0.0.1 peer null" },
    };

    public static TheoryData<string, string> RefusedQueries => new()
    {
        { "address=198.51.100.0/24", "address: must be one IPv4 or IPv6 address; '198.51.100.0/24' is a CIDR range" },
        {
            "address=010.0.0.1",
            "address: must be one IPv4 or IPv6 address; '010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1"
        },
        { "address=198.51.100.9:80", "address: must be one IPv4 or IPv6 address; '198.51.100.9:80' has a port" },
        { "address=unknown", "address: must be one IPv4 or IPv6 address; 'unknown' is not an address" },
        { "address=%20198.51.100.9", "address: must be one IPv4 or IPv6 address; ' 198.51.100.9' has white space around it" },
        { "address=", "address: must be one IPv4 or IPv6 address; it is empty" },
        { "address=198.51.100.9&address=198.51.100.9", "address: is given more than once" },
        { "since=2027-01-01T12:00:00", $"since: {InstantExpected}" },
        { "since=2027-01-01", $"since: {InstantExpected}" },
        { "since=2027-01-01T12:00Z", $"since: {InstantExpected}" },
        { "since=2027-01-01Z", $"since: {InstantExpected}" },
        { "since=12:00Z", $"since: {InstantExpected}" },
        { "since=Fri,%2001%20Jan%202027%2012:00:00%20GMT", $"since: {InstantExpected}" },
        { "since=2027-01-01T12:00:00+02:00", $"since: {InstantExpected}" },
        { "since=2027-01-01T12:00:00Z&since=", "since: is given more than once" },
        { "since=yesterday", $"since: {InstantExpected}" },
        { "since=", $"since: {InstantExpected}" },
        { "order=", "order: must be last_seen or count" },
        { "order=Count", "order: must be last_seen or count" },
        { "order=count&Order=count", "order: is given more than once" },
        { "order=first_seen", "order: must be last_seen or count" },
        { "after=", "after: must be the value of next in an earlier page" },
        { "after=&after=", "after: is given more than once" },
        { "after=198.51.100.9", "after: must be the value of next in an earlier page" },
        { "after=MX54fjB-a2V5", "after: must be the value of next in an earlier page" },
        { "after=MS01fjF-MH5rZXk", "after: must be the value of next in an earlier page" },
        { "after=MQ", "after: must be the value of next in an earlier page" },
        { "limit=1&limit=2", "limit: is given more than once" },
        { "limit=0", "limit: must be a number from 1 to 1000" },
        { "limit=1001", "limit: must be a number from 1 to 1000" },
        { "limit=-1", "limit: must be a number from 1 to 1000" },
        { "limit=ten", "limit: must be a number from 1 to 1000" },
        { "limit=", "limit: must be a number from 1 to 1000" },
    };

    [Fact]
    public async Task A_denial_is_told_with_every_member()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string id = key.Details.Key.Id;

        host.Time.Advance(TimeSpan.FromSeconds(2));
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        host.Time.Advance(TimeSpan.FromSeconds(3));
        string path = $"/{Uri.EscapeDataString("café'\n")}/{key.RawKey}/{new string('z', 60)}?token=secret";
        (await host.SendAsync(null, "DELETE", path, null, KeyApiHost.Bearer(key.RawKey), $"X-Forwarded-For: {NotListed}")).Status
            .Should().Be(403);

        // Nothing of the query, nothing beyond 64 characters, and of the raw key not more than its prefix.
        string shownPath = $@"/caf\\u00e9\\u0027\\u000a/{key.RawKey[..12]}...";
        string expected = $$"""
            {"denied":2,"would_deny":0,"denials":[
            {"key_id":"{{id}}","ip":"198.51.100.9","reason":"not_listed","report_only":false,"health":false,
            "origin":"forwarded_for","hop":1,"count":2,"count_error":0,
            "first_seen":"2027-01-01T12:00:02+00:00","last_seen":"2027-01-01T12:00:05+00:00",
            "last_method":"DELETE","last_path":"{{shownPath}}..."}],"next":null}
            """.ReplaceLineEndings("");
        foreach (string target in new[] { $"{Keys}/denials", $"{Keys}/{id}/denials" })
        {
            Answer answer = await host.SendAsync(Administrator, "GET", target);

            answer.Status.Should().Be(200);
            answer.ContentType.Should().Be("application/json");
            answer.Headers.CacheControl!.ToString().Should().Be("no-store");
            answer.Body.Should().Be(expected);
        }
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task A_denial_tells_why_and_where_the_address_came_from(ClientIpSource source, string? forwardedFor, string expected)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.Configure<IpAllowlistOptions>(options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("127.0.0.0/8");
            }
        }));

        (await host.UseAsync((await host.CreateAsync("make-grid", Listed)).RawKey, forwardedFor)).Should().Be(403);

        (await RowsAsync(host)).Should().Equal(expected);
    }

    [Fact]
    public async Task A_connection_without_a_peer_address_is_told_as_an_unknown_peer()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path)));
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed, "127.0.0.1");

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), TestContext.Current.CancellationToken);
        (await RawResponse.ExchangeAsync(socket, "GET", "/report", KeyApiHost.Bearer(key.RawKey))).Status.Should().Be(403);

        (await RowsAsync(host)).Should().Equal("unknown_peer null none null");
    }

    [Fact]
    public async Task A_peer_that_was_replaced_in_the_process_is_told_as_such()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: app =>
        {
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor });
            app.UseAuthentication();
            app.UseFlowBeaconIpAllowlist();
            app.UseAuthorization();
        });
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed, "127.0.0.1");

        (await host.UseAsync(key.RawKey, Listed)).Should().Be(403);
        (await host.UseAsync(key.RawKey)).Should().Be(200, "without the header nothing is replaced");

        (await RowsAsync(host)).Should().Equal("peer_rewritten null none null");
    }

    [Fact]
    public async Task There_is_one_row_for_a_key_an_address_and_a_reason_and_the_last_denied_comes_first()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey one = await host.CreateAsync("one", Listed);
        IssuedApiKey two = await host.CreateAsync("two", Listed);
        foreach ((IssuedApiKey key, string forwardedFor) in new[]
        {
            (one, NotListed), (one, "unknown"), (two, NotListed), (one, "2001:db8::9"), (one, "_hidden"), (one, "2001:DB8:0::9"),
        })
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            (await host.UseAsync(key.RawKey, forwardedFor)).Should().Be(403);
        }

        string Of(IssuedApiKey key) => key.Details.Key.Id;
        string[] rows = await CountsAsync(host, $"{Keys}/denials");
        rows.Should().Equal($"{Of(one)} 2001:db8::9 2", $"{Of(one)} null 2", $"{Of(two)} 198.51.100.9 1", $"{Of(one)} 198.51.100.9 1");

        (await CountsAsync(host, $"{Keys}/denials?key_id={Of(two)}")).Should().Equal(rows[2]);
        (await CountsAsync(host, $"{Keys}/{Of(two)}/denials")).Should().Equal(rows[2]);
        (await CountsAsync(host, $"{Keys}/{Of(one)}/denials")).Should().Equal(rows[0], rows[1], rows[3]);
        (await CountsAsync(host, $"{Keys}/{Of(one)}/denials?key_id={Of(two)}"))
            .Should().Equal([rows[0], rows[1], rows[3]], "the route names the key");
        (await CountsAsync(host, $"{Keys}/denials?limit=2")).Should().Equal(rows[..2]);
        (await CountsAsync(host, $"{Keys}/denials?limit=1000")).Should().Equal(rows);
    }

    [Theory]
    [InlineData("2001:db8::9", "2001:db8::9")]
    [InlineData("2001:DB8:0:0:0:0:0:9", "2001:db8::9")]
    [InlineData("198.51.100.9", "198.51.100.9")]
    [InlineData("::ffff:198.51.100.9", "198.51.100.9")]
    [InlineData("::ffff:c633:6409", "198.51.100.9")]
    [InlineData("198.51.100.8", null)]
    [InlineData("::", null)]
    public async Task Any_spelling_of_an_address_finds_its_denials(string spelling, string? found)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        foreach (string forwardedFor in new[] { "198.51.100.9", "2001:db8::9", "unknown" })
        {
            await host.UseAsync(key.RawKey, forwardedFor);
        }

        string id = key.Details.Key.Id;
        string[] expected = found is null ? [] : [$"{id} {found} 1"];
        (await CountsAsync(host, $"{Keys}/denials?address={spelling}")).Should().Equal(expected);
        (await CountsAsync(host, $"{Keys}/{id}/denials?address={spelling}")).Should().Equal(expected);
    }

    [Theory]
    [InlineData("2027-01-01T12:00:01Z", 2)]
    [InlineData("2027-01-01T12:00:10Z", 2)]
    [InlineData("2027-01-01T13:00:10%2B01:00", 2)]
    [InlineData("2027-01-01T12:00:10.9999999Z", 2)]
    [InlineData("2027-01-01T12:00:11Z", 1)]
    [InlineData("2027-01-01T12:00:20Z", 1)]
    [InlineData("2027-01-01T07:00:20-05:00", 1)]
    [InlineData("2027-01-01T12:00:21Z", 0)]
    public async Task Since_leaves_out_earlier_denials(string since, int rows)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        await host.UseAsync(key.RawKey, "2001:db8::9");
        foreach (string forwardedFor in new[] { "2001:db8::9", NotListed })
        {
            host.Time.Advance(TimeSpan.FromSeconds(10));
            await host.UseAsync(key.RawKey, forwardedFor);
        }

        (await CountsAsync(host, $"{Keys}/denials?since={since}")).Should().HaveCount(rows);
        (await CountsAsync(host, $"{Keys}/{key.Details.Key.Id}/denials?since={since}")).Should().HaveCount(rows);
    }

    [Fact]
    public async Task A_hundred_rows_are_told_unless_more_are_asked_for()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        for (int number = 1; number <= 101; number++)
        {
            await host.UseAsync(key.RawKey, $"2001:db8::{number:x}");
        }

        (await CountsAsync(host, $"{Keys}/denials")).Should().HaveCount(100);
        (await CountsAsync(host, $"{Keys}/denials?limit=101")).Should().HaveCount(101);
    }

    [Fact]
    public async Task Totals_count_denials_and_report_only_ones_apart_for_any_rows()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey enforced = await host.CreateAsync("enforced", Listed);
        IssuedApiKey rehearsed = await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });
        string[] addresses = [.. Enumerable.Range(1, 3).Select(number => $"198.51.100.{number}")];
        foreach (string address in addresses)
        {
            (await host.UseAsync(enforced.RawKey, address)).Should().Be(403);
            (await host.UseAsync(enforced.RawKey, address)).Should().Be(403);
            (await host.UseAsync(rehearsed.RawKey, address)).Should().Be(200);
        }

        await host.UseAsync(enforced.RawKey, Listed);
        await host.UseAsync(rehearsed.RawKey, Listed);

        (await TotalsAsync("/denials")).Should().Be("6 3");
        (await TotalsAsync("/denials?address=198.51.100.1&limit=1")).Should().Be("6 3");
        (await TotalsAsync($"/denials?key_id={rehearsed.Details.Key.Id}")).Should().Be("0 3");
        (await TotalsAsync($"/{enforced.Details.Key.Id}/denials")).Should().Be("6 0");
        Answer rows = await host.SendAsync(Administrator, "GET", $"{Keys}/{rehearsed.Details.Key.Id}/denials");
        rows.Json.GetProperty("denials").EnumerateArray()
            .Select(row => $"{row.GetProperty("ip")} {row.GetProperty("report_only")} {row.GetProperty("count")}")
            .Should().BeEquivalentTo(addresses.Select(address => $"{address} True 1"));

        async Task<string> TotalsAsync(string target)
        {
            Answer answer = await host.SendAsync(Administrator, "GET", Keys + target);
            return $"{answer.Json.GetProperty("denied")} {answer.Json.GetProperty("would_deny")}";
        }
    }

    [Fact]
    public async Task Without_denials_the_answer_is_empty_and_an_unknown_key_is_404()
    {
        const string Nothing = """{"denied":0,"would_deny":0,"denials":[],"next":null}""";
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        await host.UseAsync(key.RawKey, Listed);

        (await host.SendAsync(Administrator, "GET", $"{Keys}/denials")).Body.Should().Be(Nothing);
        (await host.SendAsync(Administrator, "GET", $"{Keys}/denials?key_id=key_unknown")).Body.Should().Be(Nothing);
        (await host.SendAsync(Administrator, "GET", $"{Keys}/{key.Details.Key.Id}/denials")).Body.Should().Be(Nothing);
        (await host.SendAsync(Administrator, "GET", $"{Keys}/key_unknown/denials")).ShouldBeProblem(404, "Key not found")
            .Detail.Should().Be("There is no key with this id.");
    }

    [Fact]
    public async Task The_denials_of_a_key_can_be_read_after_it_is_revoked()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        await host.UseAsync(key.RawKey, NotListed);

        await host.RevokeAsync(key.Details.Key.Id);
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(401);

        (await CountsAsync(host, $"{Keys}/{key.Details.Key.Id}/denials")).Should().Equal($"{key.Details.Key.Id} {NotListed} 1");
    }

    [Fact]
    public async Task Denials_can_be_read_page_by_page_in_either_order()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string id = key.Details.Key.Id;
        foreach (string address in new[] { "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3", "192.0.2.3", "192.0.2.3", "192.0.2.4" })
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            (await host.UseAsync(key.RawKey, address)).Should().Be(403);
        }

        (await PagesAsync("")).Should().Equal("192.0.2.4 192.0.2.3", "192.0.2.2 192.0.2.1");
        (await PagesAsync("&order=last_seen")).Should().Equal("192.0.2.4 192.0.2.3", "192.0.2.2 192.0.2.1");
        (await PagesAsync("&order=count")).Should().Equal("192.0.2.3 192.0.2.2", "192.0.2.1 192.0.2.4");

        async Task<List<string>> PagesAsync(string order)
        {
            var pages = new List<string>();
            for (string? next = ""; next is not null && pages.Count < 10;)
            {
                string after = next.Length > 0 ? $"&after={next}" : "";
                Answer answer = await host.SendAsync(Administrator, "GET", $"{Keys}/{id}/denials?limit=2{order}{after}");
                pages.Add(string.Join(
                    ' ', answer.Json.GetProperty("denials").EnumerateArray().Select(row => row.GetProperty("ip").GetString())));
                next = answer.Json.GetProperty("next").GetString();
            }

            return pages;
        }
    }

    [Theory]
    [MemberData(nameof(RefusedQueries))]
    public async Task A_query_that_is_not_understood_is_refused(string query, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;

        (await host.SendAsync(Administrator, "GET", $"{Keys}/denials?{query}"))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.SendAsync(Administrator, "GET", $"{Keys}/{id}/denials?{query}"))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
    }

    [Fact]
    public async Task All_faults_of_a_query_are_reported_together()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "GET", $"{Keys}/denials?limit=0&since=now&address=localhost"))
            .ShouldBeProblem(400, "Validation failed").Errors
            .Should().BeEquivalentTo(
                "limit: must be a number from 1 to 1000", $"since: {InstantExpected}",
                "address: must be one IPv4 or IPv6 address; 'localhost' is a host name or not an address");
    }

    /// <summary>Only the traffic can check its cursors, so that happens after all other checks.</summary>
    [Fact]
    public async Task A_malformed_cursor_is_told_alone_and_after_an_unknown_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "GET", $"{Keys}/denials?after=x&limit=0"))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("limit: must be a number from 1 to 1000");
        (await host.SendAsync(Administrator, "GET", $"{Keys}/key_0/denials?after=x")).ShouldBeProblem(404, "Key not found");
    }

    [Theory]
    [InlineData("key_id=", "key_id: is empty; name a key, or leave it out")]
    [InlineData("key_id=key_1&key_id=", "key_id: is given more than once")]
    [InlineData("key_id=&key_id=", "key_id: is given more than once")]
    public async Task An_empty_or_repeated_key_id_is_refused_where_a_listing_is_about_many_keys(string query, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        foreach (string listing in new[] { "denials", "audit" })
        {
            (await host.SendAsync(Administrator, "GET", $"{Keys}/{listing}?{query}"))
                .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal([error], listing);
        }
    }

    /// <summary>Each row as reason, address, origin and hop.</summary>
    private static async Task<string[]> RowsAsync(KeyApiHost host) =>
        [.. (await host.SendAsync(Administrator, "GET", $"{Keys}/denials")).Json.GetProperty("denials").EnumerateArray().Select(row =>
            $"{row.GetProperty("reason").GetString()} {row.GetProperty("ip").GetString() ?? "null"} "
                + $"{row.GetProperty("origin").GetString()} {row.GetProperty("hop").GetRawText()}")];

    /// <summary>Each row as key, address and count.</summary>
    private static async Task<string[]> CountsAsync(KeyApiHost host, string target)
    {
        Answer answer = await host.SendAsync(Administrator, "GET", target);
        answer.Status.Should().Be(200, answer.Body);
        return [.. answer.Json.GetProperty("denials").EnumerateArray().Select(row =>
            $"{row.GetProperty("key_id").GetString()} {row.GetProperty("ip").GetString() ?? "null"} "
                + $"{row.GetProperty("count").GetInt64()}")];
    }
}
