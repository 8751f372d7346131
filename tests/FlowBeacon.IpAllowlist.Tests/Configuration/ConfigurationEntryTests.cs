using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Entries of lists in configuration with notes, expiries and ranges, as a host has them in force.</summary>
public sealed class ConfigurationEntryTests : IDisposable
{
    private const string Lasting = "203.0.113.7";
    private const string Expiring = "198.51.100.9";

    private readonly KeyFolder _folder = new();
    private readonly FakeTimeProvider _time = new(ManagedKeys.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_entry_denies_from_its_expiry_on_without_a_reload()
    {
        await using KestrelApp app = await StartAsync(
            $$"""["{{Lasting}}", { "Ip": "{{Expiring}}", "ExpiresAt": "2027-01-01T01:00:00Z" }]""");
        (await StatusAsync(app, Expiring)).Should().Be(200);

        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        (await StatusAsync(app, Expiring)).Should().Be(200);

        _time.Advance(TimeSpan.FromTicks(1));
        (await StatusAsync(app, Expiring)).Should().Be(403);
        (await StatusAsync(app, Lasting)).Should().Be(200);
    }

    [Theory]
    [InlineData("2027-01-01T01:00:00Z", 200)]
    [InlineData("2000-01-01T00:00:00Z", 403)]
    public async Task A_list_whose_entries_have_all_expired_denies_everybody(string expiresAt, int statusAtStart)
    {
        await using KestrelApp app = await StartAsync($$"""[{ "Ip": "{{Expiring}}", "ExpiresAt": "{{expiresAt}}" }]""");
        (await StatusAsync(app, Expiring)).Should().Be(statusAtStart);

        _time.Advance(TimeSpan.FromHours(1));

        (await StatusAsync(app, Expiring)).Should().Be(403);
        (await StatusAsync(app, Lasting)).Should().Be(403);
    }

    [Fact]
    public async Task A_range_is_enforced_where_the_host_allows_ranges()
    {
        await using KestrelApp app = await StartAsync(
            """[{ "Ip": "198.51.100.0/28", "Note": "Berlin office" }]""", options => options.AllowCidrRanges = true);

        (await StatusAsync(app, "198.51.100.15")).Should().Be(200);
        (await StatusAsync(app, "198.51.100.16")).Should().Be(403);
    }

    [Theory]
    [InlineData(false, 8, "198.51.100.0/28", "is a CIDR range; list each address, or allow ranges with AllowCidrRanges")]
    [InlineData(true, 8, "192.0.0.0/7", "is wider than allowed; write IPv4 networks with a prefix length of at least 8")]
    [InlineData(true, 24, "198.51.0.0/16", "is wider than allowed; write IPv4 networks with a prefix length of at least 24")]
    public async Task Any_other_range_stops_the_start(bool allowsRanges, int shortest, string range, string fault)
    {
        Func<Task> start = () => StartAsync($$"""[{ "Ip": "{{range}}" }]""", options =>
        {
            options.AllowCidrRanges = allowsRanges;
            options.MinIPv4PrefixLength = shortest;
        });

        (await start.Should().ThrowAsync<InvalidOperationException>())
            .Which.Message.Should().EndWith($"FlowBeacon:Keys:a:AllowedIps:0:Ip: '{range}' {fault}");
    }

    [Fact]
    public async Task Notes_are_shown_and_a_reload_that_changes_nothing_else_shows_the_new_one()
    {
        await using KestrelApp app = await StartAsync($$"""["{{Lasting}}", { "Ip": "{{Expiring}}", "Note": "office" }]""");
        (await EntriesAsync(app)).Should().Equal(new AllowlistEntryDetails { Ip = Expiring, Note = "office" });

        Write($$"""["{{Lasting}}", { "Ip": "{{Expiring}}", "Note": "VPN" }]""");
        ((IConfigurationRoot)app.Services.GetRequiredService<IConfiguration>()).Reload();

        (await EntriesAsync(app)).Should().Equal(new AllowlistEntryDetails { Ip = Expiring, Note = "VPN" });
        (await StatusAsync(app, Expiring)).Should().Be(200);
    }

    private static async Task<IReadOnlyList<AllowlistEntryDetails>> EntriesAsync(KestrelApp app) =>
        (await app.Services.GetRequiredService<ApiKeyManager>().GetAsync("a", TestContext.Current.CancellationToken)).Entries;

    private static async Task<int> StatusAsync(KestrelApp app, string address) =>
        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(address))).Status;

    private string Write(string list) => _folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, list)));

    private Task<KestrelApp> StartAsync(string list, Action<IpAllowlistOptions>? options = null)
    {
        string file = Write(list);
        return KestrelApp.StartAsync(options: options, configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Configuration.AddJsonFile(file);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
    }
}
