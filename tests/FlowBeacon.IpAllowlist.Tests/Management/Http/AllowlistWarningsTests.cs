using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Entries that are allowed but probably a mistake cause warnings in the answer.</summary>
public sealed class AllowlistWarningsTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string OwnProxy =
        "allowed_ips: 127.0.0.1 is where this request connected from, with an X-Forwarded-For header: it looks like your own proxy,"
        + " and if it is ever taken for the client, everybody behind it is";

    /// <summary>An entry and why no client ever comes from it.</summary>
    public static TheoryData<string, string> NeverAClient => new()
    {
        { "0.0.0.0", "is the unspecified address, not a wildcard" },
        { "::", "is the unspecified address, not a wildcard" },
        { "224.0.0.0", "is a multicast address" },
        { "239.255.255.255", "is a multicast address" },
        { "ff00::", "is a multicast address" },
        { "ff02::1", "is a multicast address" },
        { "255.255.255.255", "is the broadcast address" },
        { "192.0.2.0", "is reserved for documentation" },
        { "198.51.100.255", "is reserved for documentation" },
        { "203.0.113.7", "is reserved for documentation" },
        { "2001:db8::7", "is reserved for documentation" },
        { "3fff:fff::1", "is reserved for documentation" },
    };

    public static TheoryData<string> Ordinary =>
    [
        "0.0.0.1", "8.8.8.8", "10.0.0.1", "127.0.0.1", "192.0.1.255", "192.0.3.0",
        "198.51.99.255", "203.0.114.0", "223.255.255.255", "240.0.0.1",
        "255.255.255.254", "::1", "2001:db7:ffff::1", "2001:db9::", "3fff:1000::", "2a00::1", "fe00::1", "fe80::1",
    ];

    public static TheoryData<ClientIpSource, string?, string, bool> Proxies => new()
    {
        { ClientIpSource.ForwardedForFirst, "8.8.8.8", "127.0.0.1", true },
        { ClientIpSource.ForwardedForFirst, "8.8.8.8", "::ffff:127.0.0.1", true },
        { ClientIpSource.ForwardedForFirst, "8.8.8.8", "127.0.0.2", false },
        { ClientIpSource.ForwardedForFirst, null, "127.0.0.1", false },
        { ClientIpSource.TrustedProxies, "8.8.8.8", "127.0.0.1", true },
        { ClientIpSource.TrustedProxies, null, "127.0.0.1", false },
        { ClientIpSource.PeerAddress, "8.8.8.8", "127.0.0.1", false },
        { ClientIpSource.PeerAddress, null, "127.0.0.1", false },
    };

    [Theory]
    [MemberData(nameof(NeverAClient))]
    public async Task An_address_that_no_client_has_is_warned_of_and_taken(string address, string reason)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (IReadOnlyList<string> created, IReadOnlyList<string> updated) = await SetAsync(host, [address]);

        created.Should().Equal($"allowed_ips: {address} {reason}; no client ever comes from it");
        updated.Should().Equal(created);
    }

    [Theory]
    [MemberData(nameof(Ordinary))]
    public async Task An_ordinary_address_is_not_warned_of(string address)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (IReadOnlyList<string> created, IReadOnlyList<string> updated) = await SetAsync(host, [address]);

        created.Should().BeEmpty();
        updated.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Proxies))]
    public async Task The_peer_of_the_request_is_warned_of_where_headers_name_the_client(
        ClientIpSource source, string? forwardedFor, string address, bool warns)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.Configure<IpAllowlistOptions>(options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("127.0.0.1");
            }
        }));

        (IReadOnlyList<string> created, IReadOnlyList<string> updated) = await SetAsync(
            host, ["10.0.0.1", address], forwardedFor is null ? [] : [$"X-Forwarded-For: {forwardedFor}"]);

        created.Should().Equal(warns ? [OwnProxy] : []);
        updated.Should().Equal(created);
    }

    [Fact]
    public async Task Each_doubtful_entry_has_its_warning_in_the_order_of_the_list()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (IReadOnlyList<string> created, _) = await SetAsync(
            host, ["::", "10.0.0.1", "127.0.0.1", "224.0.0.1", "0.0.0.0"], "X-Forwarded-For: 8.8.8.8");

        created.Should().Equal(
            "allowed_ips: 0.0.0.0 is the unspecified address, not a wildcard; no client ever comes from it",
            OwnProxy,
            "allowed_ips: 224.0.0.1 is a multicast address; no client ever comes from it",
            "allowed_ips: :: is the unspecified address, not a wildcard; no client ever comes from it");
    }

    [Fact]
    public async Task Warnings_of_a_change_stand_in_its_answer_only()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":["0.0.0.0"]}""");
        string target = $"{Keys}/{created.Text("id")}";
        Answer renamed = await host.SendAsync(Administrator, "PATCH", target, """{"name":"b"}""");
        Answer read = await host.SendAsync(Administrator, "GET", target);
        Answer[] others =
        [
            await host.SendAsync(Administrator, "POST", $"{target}/rotate"),
            await host.SendAsync(Administrator, "POST", $"{target}/end-grace"),
            await host.SendAsync(Administrator, "GET", Keys),
            await host.SendAsync(Administrator, "DELETE", target),
        ];

        created.Texts("warnings").Should().ContainSingle();
        renamed.Texts("warnings").Should().Equal(created.Texts("warnings"));
        read.Texts("warnings").Should().BeEmpty();
        others.Should().OnlyContain(answer => answer.Status == 200 && !answer.Body.Contains("warnings", StringComparison.Ordinal));
    }

    private static async Task<(IReadOnlyList<string> Created, IReadOnlyList<string> Updated)> SetAsync(
        KeyApiHost host, string[] allowedIps, params string[] headerLines)
    {
        string list = $"[{string.Join(",", allowedIps.Select(address => $"\"{address}\""))}]";
        Answer created = await host.SendAsync(
            Administrator, "POST", Keys, $$"""{"name":"set at once","allowed_ips":{{list}}}""", headerLines);
        string id = (await host.CreateAsync("set later")).Details.Key.Id;
        Answer updated = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"allowed_ips":{{list}}}""", headerLines);

        created.Status.Should().Be(201, created.Body);
        updated.Status.Should().Be(200, updated.Body);
        updated.Texts("allowed_ips").Should().Equal(created.Texts("allowed_ips")).And.HaveCount(allowedIps.Length);
        return (created.Texts("warnings"), updated.Texts("warnings"));
    }
}
