using System.Globalization;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A setting that cannot be meant stops start-up, with its name and a remedy.</summary>
public sealed class OptionsValidationTests
{
    public static TheoryData<string?> NoHeaderNames =>
        [(string?)null, "", " ", "X Api Key", "X-Api-Key:", "X-Api-Kéy", "X-Api\r\n", "X,Y", "X(Y)", "\"X\""];

    public static TheoryData<string> HeadersWithAMeaningOfTheirOwn => ["X-Forwarded-For", "x-forwarded-for", "Cookie", "COOKIE"];

    public static TheoryData<string?> NoPrefixes => [(string?)null, "fb_live_12345", "fb live", "fb\t", "fb,", "fé", "fb\u007f"];

    public static TheoryData<string> NoProxies =>
    [
        "", " ", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/33", "2001:db8::/129",
        "10.0.0.0/", "10.0.0.0/08", "/8", "proxy.example", "10.0.0.*", "10.0.0.1-10.0.0.9",
        " 10.0.0.1", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "010.0.0.1",
        "*", "localhost", "::ffff:0.0.0.0/96", "10.0.0.0/-1", "10.0.0.0/+8",
    ];

    public static TheoryData<string> Proxies =>
        ["10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "2001:db8::/32", "::1", "::1/128", "::ffff:10.0.0.0/104", "fd00::/8"];

    [Theory]
    [MemberData(nameof(NoHeaderNames))]
    public async Task Refuses_an_invalid_header_name(string? name) =>
        (await FaultsOf(options => options.ApiKeyHeaderName = name!))
            .Should().ContainSingle().Which.Should().StartWith("ApiKeyHeaderName: ");

    [Theory]
    [MemberData(nameof(HeadersWithAMeaningOfTheirOwn))]
    public async Task Refuses_a_header_with_another_meaning(string name) =>
        (await FaultsOf(options => options.ApiKeyHeaderName = name))
            .Should().ContainSingle().Which.Should().StartWith($"ApiKeyHeaderName: {name}");

    [Theory]
    [MemberData(nameof(NoPrefixes))]
    public async Task Refuses_a_prefix_that_no_key_can_have(string? prefix) =>
        (await FaultsOf(options => options.ApiKeyPrefix = prefix!)).Should().ContainSingle().Which.Should().StartWith("ApiKeyPrefix: ");

    [Theory]
    [InlineData("")]
    [InlineData("fb_live_")]
    [InlineData("fb_live_1234")]
    public async Task Accepts_a_prefix_of_at_most_12_visible_characters(string prefix)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(options: options => options.ApiKeyPrefix = prefix);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_025)]
    [InlineData(int.MaxValue)]
    public async Task Refuses_a_number_of_sources_out_of_range(int sources) =>
        (await FaultsOf(options => options.MaxSourcesPerKey = sources))
            .Should().Equal($"MaxSourcesPerKey: {sources} is out of range; write a number from 1 to 1024");

    [Theory]
    [InlineData(1)]
    [InlineData(1_024)]
    public async Task Accepts_a_number_of_sources_in_range(int sources)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(options: options => options.MaxSourcesPerKey = sources);
    }

    [Theory]
    [InlineData("''", "")]
    [InlineData("''", null)]
    [InlineData("'reports read'", "reports read")]
    [InlineData("'reports\"read'", "reports\"read")]
    [InlineData("'reports\\u005cread'", "reports\\read")]
    [InlineData("'rapports:\\u00e9crire'", "rapports:écrire")]
    public async Task Refuses_invalid_scopes(string quoted, string? scope) =>
        (await FaultsOf(options => options.Scopes = ["reports:read", scope!])).Should().Equal(
            $"Scopes: {quoted} cannot be a scope; write 1 to 100 visible ASCII characters other than quotes and backslashes");

    [Fact]
    public async Task Refuses_a_scope_that_is_too_long_and_one_that_is_there_twice()
    {
        (await FaultsOf(options => options.Scopes = [new string('s', 101)]))
            .Should().ContainSingle().Which.Should().StartWith("Scopes: 'sss");
        (await FaultsOf(options => options.Scopes = ["a", "b", "a"])).Should().Equal("Scopes: 'a' occurs twice; list each scope once");
    }

    [Fact]
    public async Task Accepts_scopes_of_the_host_and_a_host_without_any()
    {
        foreach (IReadOnlyList<string> scopes in new IReadOnlyList<string>[] { ["reports:read", "A", "a", new string('s', 100)], [] })
        {
            await using KestrelApp app = await KestrelApp.StartAsync(options: options => options.Scopes = scopes);
        }
    }

    [Theory]
    [InlineData("00:00:00")]
    [InlineData("-00:00:00.0010000")]
    [InlineData("-00:00:01")]
    [InlineData("00:01:00.0000001")]
    [InlineData("1.00:00:00")]
    [InlineData("10675199.02:48:05.4775807")]
    public async Task Refuses_a_time_for_the_audit_log_out_of_range(string timeout) =>
        (await FaultsOf(options => options.AuditTimeout = TimeSpan.Parse(timeout, CultureInfo.InvariantCulture)))
            .Should().Equal($"AuditTimeout: {timeout} is out of range; write a time of more than 0, at most 00:01:00");

    [Theory]
    [InlineData("00:00:00.0010000")]
    [InlineData("00:01:00")]
    public async Task Accepts_a_time_for_the_audit_log_in_range(string timeout)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            options: options => options.AuditTimeout = TimeSpan.Parse(timeout, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("00:59:59.9999999")]
    [InlineData("00:00:00")]
    [InlineData("-1.00:00:00")]
    [InlineData("30.00:00:00.0000001")]
    [InlineData("10675199.02:48:05.4775807")]
    public async Task Refuses_a_life_of_recovery_entries_out_of_range(string lifetime) =>
        (await FaultsOf(options => options.RecoveryEntryLifetime = TimeSpan.Parse(lifetime, CultureInfo.InvariantCulture)))
            .Should().Equal($"RecoveryEntryLifetime: {lifetime} is out of range; write a time from 01:00:00 to 30.00:00:00");

    [Theory]
    [InlineData("01:00:00")]
    [InlineData("30.00:00:00")]
    public async Task Accepts_a_life_of_recovery_entries_in_range(string lifetime)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            options: options => options.RecoveryEntryLifetime = TimeSpan.Parse(lifetime, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData(0, 32, "MinIPv4PrefixLength: 0 is out of range; write a number from 1 to 32")]
    [InlineData(-1, 32, "MinIPv4PrefixLength: -1 is out of range; write a number from 1 to 32")]
    [InlineData(33, 32, "MinIPv4PrefixLength: 33 is out of range; write a number from 1 to 32")]
    [InlineData(8, 0, "MinIPv6PrefixLength: 0 is out of range; write a number from 1 to 128")]
    [InlineData(8, 129, "MinIPv6PrefixLength: 129 is out of range; write a number from 1 to 128")]
    public async Task Refuses_a_prefix_length_out_of_range(int ipv4, int ipv6, string fault) =>
        (await FaultsOf(options =>
        {
            options.AllowCidrRanges = true;
            options.MinIPv4PrefixLength = ipv4;
            options.MinIPv6PrefixLength = ipv6;
        })).Should().Equal(fault);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(32, 128)]
    public async Task Accepts_a_prefix_length_in_range(int ipv4, int ipv6)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(options: options =>
        {
            options.AllowCidrRanges = true;
            options.MinIPv4PrefixLength = ipv4;
            options.MinIPv6PrefixLength = ipv6;
        });
    }

    [Theory]
    [InlineData(16, 32, "MinIPv4PrefixLength: 16 has no effect without AllowCidrRanges; set that as well, or remove this")]
    [InlineData(8, 48, "MinIPv6PrefixLength: 48 has no effect without AllowCidrRanges; set that as well, or remove this")]
    public async Task Refuses_a_prefix_length_that_would_have_no_effect(int ipv4, int ipv6, string fault) =>
        (await FaultsOf(options =>
        {
            options.MinIPv4PrefixLength = ipv4;
            options.MinIPv6PrefixLength = ipv6;
        })).Should().Equal(fault);

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public async Task Refuses_a_source_that_does_not_exist(int source) =>
        (await FaultsOf(options => options.ClientIpSource = (ClientIpSource)source))
            .Should().ContainSingle().Which.Should().Match("ClientIpSource: *ForwardedForFirst, TrustedProxies, PeerAddress");

    [Fact]
    public async Task Refuses_TrustedProxies_without_a_proxy() =>
        (await FaultsOf(options => options.ClientIpSource = ClientIpSource.TrustedProxies))
            .Should().ContainSingle().Which.Should().StartWith("TrustedProxies: the list is empty");

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst)]
    [InlineData(ClientIpSource.PeerAddress)]
    public async Task Refuses_proxies_that_would_have_no_effect(ClientIpSource source)
    {
        IEnumerable<string> faults = await FaultsOf(options =>
        {
            options.ClientIpSource = source;
            options.TrustedProxies.Add("10.0.0.0/8");
        });

        faults.Should().ContainSingle().Which.Should().Match($"TrustedProxies: *{source}*ClientIpSource = TrustedProxies*");
    }

    [Theory]
    [MemberData(nameof(NoProxies))]
    public async Task Refuses_a_proxy_that_is_no_address_or_network_and_names_its_place(string proxy)
    {
        IEnumerable<string> faults = await FaultsOf(options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add("10.0.0.1");
            options.TrustedProxies.Add(proxy);
        });

        faults.Should().ContainSingle().Which.Should().StartWith("TrustedProxies:1: ");
    }

    [Fact]
    public async Task Refuses_a_proxy_that_is_null()
    {
        IEnumerable<string> faults = await FaultsOf(options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add(null!);
        });

        faults.Should().ContainSingle().Which.Should().StartWith("TrustedProxies:0: ");
    }

    [Theory]
    [MemberData(nameof(Proxies))]
    public async Task Accepts_an_address_or_network_as_a_proxy(string proxy)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(options: options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add(proxy);
        });
    }

    [Fact]
    public async Task Names_every_fault_at_once()
    {
        IEnumerable<string> faults = await FaultsOf(options =>
        {
            options.ApiKeyHeaderName = "";
            options.ApiKeyPrefix = "much_too_long_";
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add("proxy-1");
            options.TrustedProxies.Add("0.0.0.0/0");
            options.MaxSourcesPerKey = 0;
            options.AuditTimeout = TimeSpan.Zero;
        });

        faults.Select(fault => string.Join(':', fault.Split(": ")[0])).Should().Equal(
            "ApiKeyHeaderName", "ApiKeyPrefix", "TrustedProxies:0", "TrustedProxies:1", "MaxSourcesPerKey", "AuditTimeout");
    }

    [Theory]
    [InlineData("ClientIpSorce", "PeerAddress")]
    [InlineData("ClientIpSource", "PeerAdress")]
    [InlineData("ClientIpSource", "7")]
    [InlineData("TrustedProxy:0", "10.0.0.1")]
    [InlineData("RequireApiKey", "yes")]
    [InlineData("MaxSourcesPerKey", "many")]
    [InlineData("AuditTimeout", "soon")]
    [InlineData("ShowClientIp", "0")]
    [InlineData("OnDenied", "ignore")]
    [InlineData("ClientIpSource", "TrustedProxies")]
    [InlineData("TrustedProxies:0", "10.0.0.1")]
    public async Task A_misspelt_setting_in_configuration_stops_start_up(string name, string value)
    {
        Func<Task> start = () => StartFromConfigurationAsync((name, value));

        await start.Should().ThrowAsync<Exception>();
    }

    [Fact]
    public async Task Settings_in_configuration_take_effect()
    {
        await using KestrelApp app = await StartFromConfigurationAsync(
            ("ClientIpSource", "trustedproxies"), ("TrustedProxies:0", "127.0.0.1"), ("TrustedProxies:1", "10.0.0.0/8"),
            ("ApiKeyHeaderName", "X-Api-Key"), ("ShowClientIp", "false"));

        RawResponse allowed = await app.GetAsync($"X-Api-Key: {TestKeys.Restricted}", HeaderLine.ForwardedFor("203.0.113.7, 10.1.2.3"));
        RawResponse denied = await app.GetAsync($"X-Api-Key: {TestKeys.Restricted}", HeaderLine.ForwardedFor("203.0.113.7, 11.1.2.3"));

        allowed.Content.Should().Be("Allowed");
        denied.Status.Should().Be(403);
        denied.Content.Should().NotContain("client_ip");
    }

    [Fact]
    public async Task Adding_the_check_twice_adds_one_check()
    {
        Func<Task> start = () => KestrelApp.StartAsync(configure: builder =>
            builder.Services.AddFlowBeaconIpAllowlist(options => options.ApiKeyPrefix = "much_too_long_"));

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle();
    }

    private static async Task<IEnumerable<string>> FaultsOf(Action<IpAllowlistOptions> configure)
    {
        Func<Task> start = () => KestrelApp.StartAsync(options: configure);
        return (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures;
    }

    private static Task<KestrelApp> StartFromConfigurationAsync(params (string Name, string Value)[] settings)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Name, setting.Value))).Build();
        return KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"), options => configuration.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true));
    }
}
