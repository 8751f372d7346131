using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Keys from configuration at start-up: every fault stops the host, with its remedy.</summary>
public sealed class ConfigurationStartupTests : IDisposable
{
    private readonly KeyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Good_keys_are_in_force_with_the_first_request()
    {
        await using KestrelApp app = await StartAsync(KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]""")));

        (await app.GetAsync($"Authorization: Bearer {TestKeys.Restricted}", "X-Forwarded-For: 203.0.113.7")).Status.Should().Be(200);
        (await app.GetAsync($"Authorization: Bearer {TestKeys.Restricted}", "X-Forwarded-For: 198.51.100.9")).Status.Should().Be(403);
        app.Logs.OfLibrary.Should().Contain(entry => entry.Id.Id == 8 && entry.Message.Contains("FlowBeacon:Keys are in force: 1 keys"));
    }

    [Fact]
    public async Task Faulty_keys_stop_the_start_with_every_fault_listed()
    {
        string json = KeyJson.File(
            KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7", "10.0.0.0/8"]""", """, "Typo": 1"""),
            KeyJson.Key("b", TestKeys.Restricted, "null"));

        (await RefusalAsync(json)).Should()
            .Contain("FlowBeacon:Keys:a:AllowedIps:1: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with ")
            .And.Contain("FlowBeacon:Keys:a:Typo: unknown member")
            .And.Contain("FlowBeacon:Keys:b:Hash: the key 'a' has the same hash")
            .And.Contain("FlowBeacon:Keys:b:AllowedIps: null is no list");
    }

    [Fact]
    public async Task A_raw_key_in_the_place_of_a_member_is_not_repeated()
    {
        string json = KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, "[]", $""", "{TestKeys.Unknown}": 1"""));

        (await RefusalAsync(json)).Should().Contain("FlowBeacon:Keys:a:fb_live_5555...: unknown member").And.NotContain(TestKeys.Unknown);
    }

    private const string RawKeyFault = "a key's name looks like a raw key, or contains one; write another name";

    /// <summary>A name as JSON has it, and what is said of it; the path shows it cut and escaped.</summary>
    public static TheoryData<string, string> FaultyNames => new()
    {
        { TestKeys.Restricted, $"FlowBeacon:Keys:fb_live_1111...: {RawKeyFault}" },
        { $"x {TestKeys.Restricted[8..]}", $"FlowBeacon:Keys:x 1111111111...: {RawKeyFault}" },
        {
            "make\\u202egrid",
            "FlowBeacon:Keys:make\\u202egrid: a key's name contains U+202E, which is invisible, changes the display of other"
            + " characters, or has no fixed meaning; leave it out"
        },
        {
            "make\\u000agrid",
            "FlowBeacon:Keys:make\\u000agrid: a key's name must not begin or end with white space, nor contain control characters"
        },
        { " make-grid", "FlowBeacon:Keys: make-grid: a key's name must not begin or end with white space, nor contain control characters" },
    };

    [Theory]
    [MemberData(nameof(FaultyNames))]
    public async Task A_name_that_administration_would_refuse_stops_the_start_and_no_raw_key_is_repeated(string name, string fault)
    {
        string whole = await RefusalAsync(KeyJson.File(KeyJson.Key(name, TestKeys.Unrestricted)));
        string scalar = await RefusalAsync(KeyJson.WithSection($$"""{ "{{name}}": "203.0.113.7" }"""));

        whole.Should().Contain(fault).And.NotContain(TestKeys.Restricted[18..]);
        scalar.Should().Contain(fault).And.NotContain(TestKeys.Restricted[18..]);
    }

    [Fact]
    public async Task A_name_is_the_same_however_its_characters_are_composed()
    {
        string composed = KeyJson.Key("caf\\u00e9", TestKeys.Restricted);
        string decomposed = KeyJson.Key("cafe\\u0301", TestKeys.Unrestricted);

        (await RefusalAsync(KeyJson.File(composed, decomposed)))
            .Should().Contain(": another key has this name, in another spelling of its characters; choose another name");
        await using KestrelApp app = await StartAsync(KeyJson.File(decomposed));
        var store = app.Services.GetRequiredService<InMemoryApiKeyStore>();
        store.Find(ApiKeyHash.Compute(TestKeys.Unrestricted))!.Name.Should().Be("caf\u00e9");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "FlowBeacon": {} }""")]
    [InlineData("""{ "FlowBeacon": { "Key": {} } }""")]
    public async Task A_missing_section_stops_the_start(string json)
    {
        (await RefusalAsync(json)).Should().Contain("FlowBeacon:Keys: the section is missing");
    }

    [Fact]
    public async Task A_section_of_another_configuration_stops_the_start()
    {
        IConfigurationRoot elsewhere = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted))))
            .Build();

        Func<Task> start = () => KestrelApp.StartAsync(configure: builder =>
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(elsewhere.GetSection(KeyJson.Section)));

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should()
            .Contain("'FlowBeacon:Keys' that is not part of the host's configuration").And.Contain("builder.Configuration.GetSection(");
    }

    [Fact]
    public async Task A_section_of_another_configuration_stops_the_start_even_if_the_host_has_one_of_that_name()
    {
        IConfigurationRoot elsewhere = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("elsewhere.json", KeyJson.File(KeyJson.Key("a", TestKeys.Unrestricted))))
            .Build();
        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted)));

        Func<Task> start = () => KestrelApp.StartAsync(configure: builder =>
        {
            builder.Configuration.AddJsonFile(_folder["keys.json"]);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(elsewhere.GetSection(KeyJson.Section));
        });

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message
            .Should().Contain("not part of the host's configuration");
    }

    [Fact]
    public async Task A_store_of_your_own_beside_keys_from_configuration_stops_the_start()
    {
        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted)));

        Func<Task> start = () => KestrelApp.StartAsync(new EmptyStore(), configure: AddKeys);

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should()
            .Contain("AddKeysFromConfiguration()").And.Contain(nameof(EmptyStore)).And.Contain("Remove one of the two");
    }

    [Fact]
    public async Task An_in_memory_store_of_your_own_is_filled()
    {
        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted)));
        var store = new InMemoryApiKeyStore();

        await using KestrelApp app = await KestrelApp.StartAsync(store, configure: AddKeys);

        store.Find(ApiKeyHash.Compute(TestKeys.Restricted))!.Id.Should().Be("a");
    }

    [Fact]
    public void Taking_keys_from_configuration_twice_is_refused()
    {
        IConfigurationSection section = new ConfigurationBuilder().Build().GetSection(KeyJson.Section);
        IpAllowlistBuilder builder = new ServiceCollection().AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(section);

        Action again = () => builder.AddKeysFromConfiguration(section);

        again.Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("AddKeysFromConfiguration() was called before")
            .And.Contain("call it once");
    }

    [Fact]
    public void A_missing_section_argument_is_refused()
    {
        Action add = () => new ServiceCollection().AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(null!);

        add.Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public async Task Keys_that_the_application_set_by_hand_stay_beside_those_from_configuration()
    {
        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted)));
        InMemoryApiKeyStore store = TestKeys.Store();
        store.Remove("restricted");

        await using KestrelApp app = await KestrelApp.StartAsync(store, configure: AddKeys);

        store.Find(ApiKeyHash.Compute(TestKeys.Unrestricted))!.Id.Should().Be("unrestricted");
        store.Find(ApiKeyHash.Compute(TestKeys.Restricted))!.Id.Should().Be("a");
    }

    private Task<KestrelApp> StartAsync(string json)
    {
        _folder.Write("keys.json", json);
        return KestrelApp.StartAsync(configure: AddKeys);
    }

    private async Task<string> RefusalAsync(string json)
    {
        Func<Task> start = () => StartAsync(json);
        return (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message;
    }

    private void AddKeys(WebApplicationBuilder builder)
    {
        builder.Configuration.AddJsonFile(_folder["keys.json"]);
        builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
    }

    private sealed class EmptyStore : IApiKeyStore
    {
        public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new((ApiKey?)null);
    }
}
