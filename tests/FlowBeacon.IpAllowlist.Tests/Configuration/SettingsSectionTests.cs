using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Settings from a section of the configuration: what is not meant so stops start-up.</summary>
public sealed class SettingsSectionTests : IDisposable
{
    private const string Section = "FlowBeacon:IpAllowlist";
    private const string Proxies = """{"ClientIpSource":"TrustedProxies","TrustedProxies":["10.0.0.0/8","192.0.2.1"]}""";
    private const string Mixed = "FlowBeacon:IpAllowlist:TrustedProxies: the list comes from";

    private readonly KeyFolder _folder = new();

    /// <summary>What a file has in the place of the settings, and what is said of it.</summary>
    public static TheoryData<string, string> Faults => new()
    {
        { """{"TrustedProxy":["10.0.0.0/8"]}""", "*'TrustedProxy'*" },
        { """{"RequireApiKeys":true}""", "*'RequireApiKeys'*" },
        { """{"RequireApiKey":"yes"}""", $"*{Section}:RequireApiKey*" },
        { """{"ClientIpSource":"PeerAdress"}""", $"*{Section}:ClientIpSource*" },
        { """{"MaxSourcesPerKey":0}""", "*MaxSourcesPerKey: 0 is out of range*" },
        { """{"TrustedProxies":"10.0.0.0/8"}""", $"*{Section}:TrustedProxies: '10.0.0.0/8' is not a list*" },
        { """{"TrustedProxies":null}""", $"*{Section}:TrustedProxies: 'null' is not a list*" },
        { """{"TrustedProxies":{"edge":"10.0.0.0/8"}}""", $"*{Section}:TrustedProxies: must be a list of texts*" },
        { """{"TrustedProxies":["10.0.0.0/8",null]}""", $"*{Section}:TrustedProxies: must be a list of texts*" },
        { "null", $"*{Section}: 'null' is not an object*" },
        { "\"\"", $"*{Section}: '' is not an object*" },
        { "7", $"*{Section}: '7' is not an object*" },
        { "[]", $"*{Section}: '' is not an object*" },
        { """{"ClientIpSource":"2"}""", $"*{Section}:ClientIpSource: '2' is not one of ForwardedForFirst, TrustedProxies, PeerAddress*" },
        {
            """{"ClientIpSource":"ForwardedForFirst,PeerAddress"}""",
            $"*{Section}:ClientIpSource: 'ForwardedForFirst,PeerAddress' is not one of*"
        },
        { """{"ClientIpSource":""}""", $"*{Section}:ClientIpSource*" },
        { """{"RequireApiKey":""}""", $"*{Section}:RequireApiKey*" },
        { """{"RequireApiKey":null}""", $"*{Section}:RequireApiKey*" },
        { """{"RequireApiKey":[true]}""", $"*{Section}:RequireApiKey*" },
        { """{"RequireApiKey":{"Of":"all"}}""", $"*{Section}:RequireApiKey*" },
        { """{"ApiKeyHeaderName":null}""", $"*{Section}:ApiKeyHeaderName*" },
        { """{"ApiKeyPrefix":null}""", $"*{Section}:ApiKeyPrefix*" },
        { """{"RequireAllowlist":""}""", $"*{Section}:RequireAllowlist*" },
        { """{"RequireAllowlist":"on"}""", $"*{Section}:RequireAllowlist*" },
        { """{"AllowCidrRanges":1}""", $"*{Section}:AllowCidrRanges*" },
        { """{"AllowCidrRanges":true,"MinIPv4PrefixLength":0}""", "*MinIPv4PrefixLength: 0 is out of range*" },
        { """{"AllowCidrRanges":true,"MinIPv4PrefixLength":"/8"}""", $"*{Section}:MinIPv4PrefixLength*" },
        { """{"MinIPv6PrefixLength":48}""", "*MinIPv6PrefixLength: 48 has no effect without AllowCidrRanges*" },
        { """{"RecoveryEntryLifetime":"24h"}""", $"*{Section}:RecoveryEntryLifetime*" },
        { """{"RecoveryEntryLifetime":"00:59:59"}""", "*RecoveryEntryLifetime: 00:59:59 is out of range*" },
        { """{"Scopes":"orders:read"}""", $"*{Section}:Scopes: 'orders:read' is not a list*" },
        { """{"Scopes":["orders read"]}""", "*Scopes: *orders read*" },
        { """{"OnDenied":"log"}""", "*OnDenied*" },
        { """{"ScopesInForce":["orders:read"]}""", "*'ScopesInForce'*" },
        { """{"RangesInForce":{"MinIPv4PrefixLength":1}}""", "*'RangesInForce'*" },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Are_in_force()
    {
        await using KestrelApp app = await StartAsync(File("a.json",
            """
            {
                "ClientIpSource": "trustedproxies", "TrustedProxies": ["10.0.0.0/8", "192.0.2.1"], "ApiKeyHeaderName": "X-Api-Key",
                "ApiKeyPrefix": "my_", "RequireApiKey": true, "ShowClientIp": false, "UsesProxyProtocol": true, "MaxAddressesPerKey": 7,
                "MaxSourcesPerKey": 8, "AuditTimeout": "00:00:09", "Scopes": ["orders:read"], "RequireAllowlist": true,
                "AllowCidrRanges": true, "MinIPv4PrefixLength": 16, "MinIPv6PrefixLength": 48, "RecoveryEntryLifetime": "2.00:00:00"
            }
            """));

        app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.Should().BeEquivalentTo(new
        {
            ClientIpSource = ClientIpSource.TrustedProxies,
            TrustedProxies = new[] { "10.0.0.0/8", "192.0.2.1" },
            ApiKeyHeaderName = "X-Api-Key",
            ApiKeyPrefix = "my_",
            RequireApiKey = true,
            ShowClientIp = false,
            UsesProxyProtocol = true,
            MaxAddressesPerKey = 7,
            MaxSourcesPerKey = 8,
            AuditTimeout = TimeSpan.FromSeconds(9),
            Scopes = new[] { "orders:read" },
            RequireAllowlist = true,
            AllowCidrRanges = true,
            MinIPv4PrefixLength = 16,
            MinIPv6PrefixLength = 48,
            RecoveryEntryLifetime = TimeSpan.FromDays(2),
        });
    }

    /// <summary>So that a new setting is added to the test above.</summary>
    [Fact]
    public void Are_all_but_what_is_code()
    {
        string[] bound =
        [
            "ClientIpSource", "TrustedProxies", "ApiKeyHeaderName", "ApiKeyPrefix", "RequireApiKey", "ShowClientIp", "UsesProxyProtocol",
            "MaxAddressesPerKey", "MaxSourcesPerKey", "AuditTimeout", "Scopes", "RequireAllowlist", "AllowCidrRanges",
            "MinIPv4PrefixLength", "MinIPv6PrefixLength", "RecoveryEntryLifetime",
        ];

        typeof(IpAllowlistOptions).GetProperties().Select(property => property.Name).Should().BeEquivalentTo([.. bound, "OnDenied"]);
    }

    [Theory]
    [InlineData("""{"Scopes":[]}""", 0)]
    [InlineData("{}", 3)]
    public async Task With_an_empty_list_of_scopes_have_none(string settings, int scopes)
    {
        await using KestrelApp app = await StartAsync(File("a.json", settings));

        app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.ScopesInForce.Should().HaveCount(scopes);
    }

    [Fact]
    public async Task May_have_an_empty_prefix()
    {
        await using KestrelApp app = await StartAsync(File("a.json", """{"ApiKeyPrefix":""}"""));

        app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.ApiKeyPrefix.Should().BeEmpty();
    }

    [Theory]
    [InlineData("""{"RequireApiKey":""}""")]
    [InlineData("""{"RequireApiKey":null}""")]
    [InlineData("null")]
    [InlineData("7")]
    public async Task That_a_second_file_takes_away_stop_the_start(string second) => await ShouldNotStartAsync(
        builder =>
        {
            Add(builder, "first.json", """{"RequireApiKey":true}""");
            Add(builder, "second.json", second);
        },
        $"*{Section}*");

    [Fact]
    public async Task That_an_empty_variable_takes_away_stop_the_start() => await ShouldNotStartAsync(
        builder =>
        {
            Add(builder, "first.json", """{"RequireApiKey":true}""");
            builder.Configuration.AddInMemoryCollection([new($"{Section}:RequireApiKey", "")]);
        },
        $"*{Section}:RequireApiKey: the value is empty*");

    [Fact]
    public async Task That_are_an_empty_object_are_the_defaults()
    {
        await using KestrelApp app = await StartAsync(File("a.json", "{}"));

        app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.Should().BeEquivalentTo(new IpAllowlistOptions());
    }

    [Fact]
    public async Task Take_what_is_code_from_Configure()
    {
        await using KestrelApp app = await StartAsync(File("a.json", """{"RequireApiKey":true}"""), builder =>
            builder.Services.Configure<IpAllowlistOptions>(options => options.OnDenied = (_, _) => ValueTask.CompletedTask));

        IpAllowlistOptions options = app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value;
        options.OnDenied.Should().NotBeNull();
        options.RequireApiKey.Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task That_cannot_be_meant_stop_the_start(string settings, string message) =>
        await ShouldNotStartAsync(File("a.json", settings), message);

    [Fact]
    public async Task That_are_missing_stop_the_start() => await ShouldNotStartAsync(
        builder => Add(builder, "a.json", "{}"), "*FlowBeacon:Misspelt: the section is missing*", "FlowBeacon:Misspelt");

    [Fact]
    public async Task Of_another_configuration_stop_the_start()
    {
        IConfigurationRoot elsewhere = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create<string, string?>($"{Section}:RequireApiKey", "true")]).Build();

        Func<Task> start = () => KestrelApp.StartAsync(
            configure: builder => builder.Services.AddFlowBeaconIpAllowlist(elsewhere.GetSection(Section)));

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage("AddFlowBeaconIpAllowlist() was called with a section*");
    }

    [Theory]
    [InlineData("""{"TrustedProxies":["198.51.100.0/24"]}""")]
    [InlineData("""{"TrustedProxies":["10.0.0.0/8","192.0.2.1"]}""")]
    [InlineData("""{"TrustedProxies":[]}""")]
    [InlineData("""{"TrustedProxies":null}""")]
    public async Task With_a_list_of_two_files_stop_the_start_and_name_both(string second) => await ShouldNotStartAsync(
        builder =>
        {
            Add(builder, "first.json", Proxies);
            Add(builder, "second.json", second);
        },
        $"*{Mixed}*first.json*second.json*keep it in one of them*");

    [Fact]
    public async Task With_a_list_of_a_file_and_an_environment_variable_stop_the_start() => await ShouldNotStartAsync(
        builder =>
        {
            Add(builder, "first.json", Proxies);
            builder.Configuration.AddInMemoryCollection([new($"{Section}:TrustedProxies:0", "10.0.0.0/8")]);
        },
        $"*{Mixed}*first.json*");

    [Fact]
    public async Task With_scopes_of_two_files_stop_the_start() => await ShouldNotStartAsync(
        builder =>
        {
            Add(builder, "first.json", """{"Scopes":["a","b"]}""");
            Add(builder, "second.json", """{"Scopes":["c"]}""");
        },
        $"*{Section}:Scopes: the list comes from*");

    [Fact]
    public async Task Of_two_files_are_one_where_no_list_is_in_both()
    {
        await using KestrelApp app = await StartAsync(builder =>
        {
            Add(builder, "first.json", """{"ClientIpSource":"PeerAddress","MaxSourcesPerKey":8}""");
            Add(builder, "second.json", Proxies);
        });

        IpAllowlistOptions options = app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value;
        options.TrustedProxies.Should().Equal("10.0.0.0/8", "192.0.2.1");
        options.MaxSourcesPerKey.Should().Be(8);
    }

    [Fact]
    public async Task With_a_list_that_is_repeated_word_for_word_are_taken()
    {
        // As where the default host reads the command line twice.
        KeyValuePair<string, string?>[] words =
        [
            new($"{Section}:ClientIpSource", "TrustedProxies"), new($"{Section}:TrustedProxies:0", "10.0.0.0/8"),
        ];
        await using KestrelApp app = await StartAsync(
            builder => builder.Configuration.AddInMemoryCollection(words).AddInMemoryCollection(words));

        app.Services.GetRequiredService<IOptions<IpAllowlistOptions>>().Value.TrustedProxies.Should().Equal("10.0.0.0/8");
    }

    [Fact]
    public void Need_services_and_a_section()
    {
        Action withoutServices = () => ((IServiceCollection)null!).AddFlowBeaconIpAllowlist(new ConfigurationManager().GetSection(Section));
        Action withoutSection = () => new ServiceCollection().AddFlowBeaconIpAllowlist((IConfigurationSection)null!);

        withoutServices.Should().Throw<ArgumentNullException>().WithParameterName("services");
        withoutSection.Should().Throw<ArgumentNullException>().WithParameterName("section");
    }

    private async Task ShouldNotStartAsync(Action<WebApplicationBuilder> configure, string message, string section = Section)
    {
        Func<Task> start = () => StartAsync(configure, section: section);

        (await start.Should().ThrowAsync<Exception>()).WithMessage(message);
    }

    private static Task<KestrelApp> StartAsync(
        Action<WebApplicationBuilder> configure, Action<WebApplicationBuilder>? then = null, string section = Section) =>
        KestrelApp.StartAsync(configure: builder =>
        {
            configure(builder);
            builder.Services.AddFlowBeaconIpAllowlist(builder.Configuration.GetSection(section));
            then?.Invoke(builder);
        });

    private Action<WebApplicationBuilder> File(string name, string settings) => builder => Add(builder, name, settings);

    private void Add(WebApplicationBuilder builder, string name, string settings) => builder.Configuration.AddJsonFile(
        _folder.Write(name, $"{{\"FlowBeacon\":{{\"IpAllowlist\":{settings}}}}}"), optional: false, reloadOnChange: false);
}
