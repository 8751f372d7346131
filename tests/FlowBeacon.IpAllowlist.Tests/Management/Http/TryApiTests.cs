using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Tries the check with an address or a request, over HTTP.</summary>
public sealed class TryApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string OneOfBoth = "ip: send either ip alone, or x_forwarded_for and peer as in a request";

    /// <summary>The source, the body, and the answer about a key whose list is 203.0.113.7 and 2001:db8::7.</summary>
    public static TheoryData<ClientIpSource, string, string> Trials => new()
    {
        { ClientIpSource.ForwardedForFirst, """{"ip":"203.0.113.7"}""", Allowed(Listed, "given", null) },
        { ClientIpSource.ForwardedForFirst, """{"ip":"::ffff:203.0.113.7"}""", Allowed(Listed, "given", null) },
        { ClientIpSource.TrustedProxies, """{"ip":"2001:DB8:0:0::7"}""", Allowed("2001:db8::7", "given", null) },
        { ClientIpSource.PeerAddress, """{"ip":"198.51.100.9"}""", NotOnList(NotListed, "given", null) },

        { ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":"203.0.113.7:80, 10.0.0.1"}""", Allowed(Listed, "forwarded_for", 1) },
        {
            ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":["","[2001:DB8::7]","198.51.100.9"]}""",
            Allowed("2001:db8::7", "forwarded_for", 1)
        },
        {
            ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":"198.51.100.9, 203.0.113.7","peer":"203.0.113.7"}""",
            NotOnList(NotListed, "forwarded_for", 1)
        },
        {
            ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":"unknown, 203.0.113.7","peer":"203.0.113.7"}""",
            Denied("unusable_forwarded_for", 1, "The first entry of X-Forwarded-For is not an address, and no other entry is used instead.")
        },
        { ClientIpSource.ForwardedForFirst, """{"peer":"203.0.113.7"}""", Allowed(Listed, "peer", null) },
        { ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":" , ","peer":"203.0.113.7"}""", Allowed(Listed, "peer", null) },
        {
            ClientIpSource.ForwardedForFirst, """{"x_forwarded_for":[]}""",
            Denied("unknown_peer", null, "X-Forwarded-For is missing or empty, and the connection has no peer address.")
        },

        {
            ClientIpSource.TrustedProxies, """{"x_forwarded_for":"203.0.113.7, 10.0.0.2","peer":"10.0.0.1"}""",
            Allowed(Listed, "forwarded_for", 2)
        },
        {
            ClientIpSource.TrustedProxies, """{"x_forwarded_for":["203.0.113.7","198.51.100.9","10.0.0.2"],"peer":"10.0.0.1"}""",
            NotOnList(NotListed, "forwarded_for", 2)
        },
        {
            ClientIpSource.TrustedProxies, """{"x_forwarded_for":"203.0.113.7","peer":"198.51.100.9"}""", NotOnList(NotListed, "peer", null)
        },
        { ClientIpSource.TrustedProxies, """{"x_forwarded_for":"198.51.100.9","peer":"203.0.113.7"}""", Allowed(Listed, "peer", null) },
        {
            ClientIpSource.TrustedProxies, """{"x_forwarded_for":"203.0.113.7, _hidden, 10.0.0.2","peer":"10.0.0.1"}""",
            Denied(
                "unusable_forwarded_for", 2,
                "Entry 2 of X-Forwarded-For, counted from the right, is not an address, and no other entry is used instead.")
        },
        {
            ClientIpSource.TrustedProxies, """{"x_forwarded_for":"203.0.113.7"}""",
            Denied("unknown_peer", null, "The connection has no peer address.")
        },

        { ClientIpSource.PeerAddress, """{"x_forwarded_for":"198.51.100.9","peer":"203.0.113.7"}""", Allowed(Listed, "peer", null) },
        { ClientIpSource.PeerAddress, """{"x_forwarded_for":"203.0.113.7","peer":"198.51.100.9"}""", NotOnList(NotListed, "peer", null) },
        {
            ClientIpSource.PeerAddress, """{"x_forwarded_for":"203.0.113.7"}""",
            Denied("unknown_peer", null, "The connection has no peer address.")
        },
    };

    public static TheoryData<string, string[]> RefusedBodies => new()
    {
        { "{}", [OneOfBoth] },
        { """{"ip":"203.0.113.7","peer":"10.0.0.1"}""", [OneOfBoth] },
        { """{"ip":"203.0.113.7","x_forwarded_for":"203.0.113.7"}""", [OneOfBoth] },
        { """{"ip":"203.0.113.7","x_forwarded_for":[]}""", [OneOfBoth] },
        { """{"ip":"203.0.113.0/24"}""", ["ip: must be one IPv4 or IPv6 address; '203.0.113.0/24' is a CIDR range"] },
        { """{"ip":"203.0.113.7:80"}""", ["ip: must be one IPv4 or IPv6 address; '203.0.113.7:80' has a port"] },
        { """{"ip":""}""", ["ip: must be one IPv4 or IPv6 address; it is empty"] },
        { """{"ip":null}""", ["ip: must be a string of Unicode characters"] },
        { """{"ip":["203.0.113.7"]}""", ["ip: must be a string of Unicode characters"] },
        { """{"peer":"localhost"}""", ["peer: must be one IPv4 or IPv6 address; 'localhost' is a host name or not an address"] },
        { """{"peer":7}""", ["peer: must be a string of Unicode characters"] },
        { """{"x_forwarded_for":7}""", ["x_forwarded_for: must be a string or a list of strings"] },
        { """{"x_forwarded_for":null}""", ["x_forwarded_for: must be a string or a list of strings"] },
        { """{"x_forwarded_for":["203.0.113.7",7]}""", ["x_forwarded_for: must be a string or a list of strings"] },
        { """{"ip":"203.0.113.7","address":"203.0.113.7"}""", ["address: unknown member; the members are ip, x_forwarded_for, peer"] },
        {
            """{"x_forwarded_for":"unknown","peer":"010.0.0.1","ip":1}""",
            ["ip: must be a string of Unicode characters"]
        },
        {
            """{"x_forwarded_for":"unknown","peer":"010.0.0.1","ip":"x/8"}""",
            [
                "ip: must be one IPv4 or IPv6 address; 'x/8' is a CIDR range",
                "peer: must be one IPv4 or IPv6 address; '010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1",
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Trials))]
    public async Task Tells_the_verdict_the_address_and_where_it_came_from(ClientIpSource source, string body, string expected)
    {
        await using KeyApiHost host = await StartAsync(source);
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed, "2001:db8::7");

        Answer answer = await TryAsync(host, key.Details.Key.Id, body);

        answer.Status.Should().Be(200);
        answer.ContentType.Should().Be("application/json");
        answer.Headers.CacheControl!.ToString().Should().Be("no-store");
        answer.Body.Should().Be(expected);
    }

    [Theory]
    [InlineData(
        """{"ip":"198.51.100.9"}""", NotListed, "given", null, "not_listed",
        "198.51.100.9 matches none of the 1 entries of the key's list.")]
    [InlineData(
        """{"x_forwarded_for":"_x"}""", null, "none", 1, "unusable_forwarded_for",
        "The first entry of X-Forwarded-For is not an address, and no other entry is used instead.")]
    public async Task A_rehearsed_list_would_deny_and_lets_through(
        string body, string? ip, string origin, int? hop, string reason, string detail)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });

        (await TryAsync(host, key.Details.Key.Id, body)).Body.Should().Be(
            Whole("would_deny", null, ip, origin, hop, null, reason, $"Passes, because the list is in report-only mode. {detail}"));
        (await TryAsync(host, key.Details.Key.Id, $$"""{"ip":"{{Listed}}"}""")).Body.Should().Be(Allowed(Listed, "given", null));
    }

    [Theory]
    [InlineData("""{"ip":"198.51.100.9"}""", NotListed, "given", null)]
    [InlineData("""{"x_forwarded_for":"unknown"}""", null, "none", 1)]
    public async Task A_key_without_a_list_lets_everything_through(string body, string? ip, string origin, int? hop)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("unrestricted");

        (await TryAsync(host, key.Details.Key.Id, body)).Body.Should().Be(
            Whole("unrestricted", null, ip, origin, hop, null, null, "The key has no list, so the check is off."));
    }

    [Fact]
    public async Task A_key_that_no_longer_works_is_invalid_from_everywhere()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey revoked = await host.CreateAsync("revoked", Listed);
        await host.RevokeAsync(revoked.Details.Key.Id);
        IssuedApiKey expired = await host.CreateAsync(
            new NewApiKey { Name = "expired", AllowedIps = [Listed], ExpiresAt = KeyApiHost.Start.AddHours(1) });
        (await TryAsync(host, expired.Details.Key.Id, $$"""{"ip":"{{Listed}}"}""")).Text("outcome").Should().Be("allowed");

        host.Time.Advance(TimeSpan.FromHours(1));

        foreach ((IssuedApiKey key, string state) in new[] { (revoked, "revoked"), (expired, "expired") })
        {
            foreach (string address in new[] { Listed, NotListed })
            {
                (await TryAsync(host, key.Details.Key.Id, $$"""{"ip":"{{address}}"}""")).Body.Should().Be(
                    Whole("invalid_key", 401, address, "given", null, null, null, $"The key is {state}."));
            }
        }
    }

    [Theory]
    [InlineData(AllowlistMode.Enforce)]
    [InlineData(AllowlistMode.ReportOnly)]
    public async Task A_list_that_cannot_be_read_denies_in_both_modes(AllowlistMode mode)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        ApiKeyDetails sound = (await host.CreateAsync("unreadable", Listed)).Details;
        ApiKeyDetails unreadable = sound with
        {
            Key = sound.Key with { AllowedIps = IpAddressSet.Unreadable, AllowlistMode = mode },
            Version = 2,
        };
        await host.WriteAsync(unreadable);

        (await TryAsync(host, sound.Key.Id, $$"""{"ip":"{{Listed}}"}""")).Body.Should().Be(
            Whole(
                "denied", 403, Listed, "given", null, null, "unreadable_list",
                "The key's stored list cannot be read, so every address is denied."));
        (await host.SendAsync(Administrator, "GET", $"{Keys}/{sound.Key.Id}")).Json.GetProperty("allowed_ips").ValueKind
            .Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task Keys_from_configuration_are_tried_as_well()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["FlowBeacon:Keys:from-a-file:Hash"] = ApiKeyHash.Compute(TestKeys.Restricted).ToString(),
                ["FlowBeacon:Keys:from-a-file:AllowedIps:0"] = Listed,
                ["FlowBeacon:Keys:from-a-file:AllowlistMode"] = "ReportOnly",
            });
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection("FlowBeacon:Keys"));
        });
        string id = (await host.SendAsync(Administrator, "GET", Keys)).Json.GetProperty("keys")[0].GetProperty("id").GetString()!;

        (await TryAsync(host, id, $$"""{"ip":"{{Listed}}"}""")).Text("outcome").Should().Be("allowed");
        (await TryAsync(host, id, $$"""{"ip":"{{NotListed}}"}""")).Text("outcome").Should().Be("would_deny");
    }

    [Fact]
    public async Task A_try_leaves_no_trace()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string enforced = (await host.CreateAsync("enforced", Listed)).Details.Key.Id;
        string rehearsed = (await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly })).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        int audited = (await host.AuditAsync()).Count;
        using var metrics = new MetricRecorder(host.App.Services);

        string[] bodies = [$$"""{"ip":"{{Listed}}"}""", $$"""{"ip":"{{NotListed}}"}""", """{"x_forwarded_for":"unknown"}"""];
        foreach (string id in new[] { enforced, rehearsed })
        {
            foreach (string body in bodies)
            {
                (await TryAsync(host, id, body)).Status.Should().Be(200);
            }
        }

        metrics.Of("checks").Distinct().Should().Equal(["1 outcome=no_key client_ip_source=none"], "that is the person who tries");
        host.App.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Name == "Denied" || entry.Id.Name == "WouldDeny");
        IApiKeyTraffic traffic = host.App.Services.GetRequiredService<IApiKeyTraffic>();
        traffic.ReadTotals(null).Should().Be(new DenialTotals { Denied = 0, WouldDeny = 0 });
        traffic.ReadDenials(new DenialQuery()).Should().BeEmpty();
        traffic.ReadSources(enforced).Sources.Should().BeEmpty();
        traffic.ReadSources(rehearsed).Sources.Should().BeEmpty();
        (await host.AuditAsync()).Should().HaveCount(audited);
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(RefusedBodies))]
    public async Task A_body_that_is_not_understood_is_refused(string body, string[] errors)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid", Listed)).Details.Key.Id;

        (await TryAsync(host, id, body)).ShouldBeProblem(400, "Validation failed").Errors.Should().BeEquivalentTo(errors);
    }

    [Fact]
    public async Task An_unknown_key_is_not_found_and_a_body_must_be_JSON()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid", Listed)).Details.Key.Id;

        (await TryAsync(host, "key_unknown", $$"""{"ip":"{{Listed}}"}"""))
            .ShouldBeProblem(404, "Key not found").Detail.Should().Be("There is no key with this id.");
        (await TryAsync(host, id, "[]")).ShouldBeProblem(400, "Invalid body").Detail.Should().Be("The body must be a JSON object.");
        (await TryAsync(host, id, "")).ShouldBeProblem(400, "Invalid body");
        (await host.SendContentAsync(Administrator, "POST", $"{Keys}/{id}/try", new StringContent($$"""{"ip":"{{Listed}}"}""")))
            .ShouldBeProblem(415, "JSON required");
    }

    private static Task<KeyApiHost> StartAsync(ClientIpSource source) =>
        KeyApiHost.StartAsync(builder => builder.Services.Configure<IpAllowlistOptions>(options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("10.0.0.0/8");
            }
        }));

    private static Task<Answer> TryAsync(KeyApiHost host, string id, string body) =>
        host.SendAsync(Administrator, "POST", $"{Keys}/{id}/try", body);

    private static string Allowed(string ip, string origin, int? hop) =>
        Whole("allowed", null, ip, origin, hop, ip, null, $"{ip} is on the key's list.");

    private static string NotOnList(string ip, string origin, int? hop) =>
        Whole("denied", 403, ip, origin, hop, null, "not_listed", $"{ip} matches none of the 2 entries of the key's list.");

    private static string Denied(string reason, int? hop, string detail) => Whole("denied", 403, null, "none", hop, null, reason, detail);

    private static string Whole(
        string outcome, int? status, string? ip, string origin, int? hop, string? matchingEntry, string? reason, string detail) =>
        $$"""
        {"outcome":"{{outcome}}","status":{{Json(status)}},"ip":{{Json(ip)}},"origin":"{{origin}}","hop":{{Json(hop)}},
        "matching_entry":{{Json(matchingEntry)}},"reason":{{Json(reason)}},"detail":{{Json(detail)}}}
        """.ReplaceLineEndings("");

    private static string Json<T>(T value) => JsonSerializer.Serialize(value);
}
