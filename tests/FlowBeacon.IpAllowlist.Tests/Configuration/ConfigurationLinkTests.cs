using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Key files behind symbolic links that are swapped, as in a directory that Kubernetes mounts, under a running host.</summary>
public sealed class ConfigurationLinkTests : IDisposable
{
    private const int KeysRejected = 9;
    private const string Allowed = "X-Forwarded-For: 203.0.113.7";
    private const string Foreign = "X-Forwarded-For: 198.51.100.9";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private static readonly string Good = KeyJson.File(
        KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]"""), KeyJson.Key("unrestricted", TestKeys.Unrestricted));

    private static readonly string WithoutTheSecondKey =
        KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]"""));

    private readonly MountedFolder _mount = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _mount.Dispose();

    /// <summary>On the machine's own clock, as everything is when it runs.</summary>
    [Theory]
    [InlineData("keys.json")]
    [InlineData("..data/keys.json")]
    public async Task A_key_and_an_address_that_a_swap_removes_stop_working(string path)
    {
        await using KestrelApp app = await StartAsync(path, time: null);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(200);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        await StatusBecomesAsync(app, TestKeys.Unrestricted, Foreign, 401);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(200);

        _mount.Swap("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["198.51.100.9"]""")));
        await StatusBecomesAsync(app, TestKeys.Restricted, Allowed, 403);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(200);
    }

    [Fact]
    public async Task A_swap_is_seen_when_the_file_is_looked_at_the_next_time()
    {
        await using KestrelApp app = await StartAsync();
        _time.Advance(Period);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        _time.Advance(Period);

        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
    }

    [Fact]
    public async Task A_swap_that_brings_a_file_its_first_keys_is_seen()
    {
        await using KestrelApp app = await StartAsync(
            beforeStart: () => _mount.Swap("keys.json", "{}"),
            configure: configuration => configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                [$"{KeyJson.Section}:elsewhere:Hash"] = KeyJson.Hash(TestKeys.Expired),
                [$"{KeyJson.Section}:elsewhere:AllowedIps:0"] = "192.0.2.1",
            }));
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);

        _mount.Swap("keys.json", Good);
        Look(times: 1);

        await ShouldBeInForceAsync(app);
    }

    [Fact]
    public async Task A_swap_between_the_loading_of_the_file_and_the_start_of_the_host_is_not_missed()
    {
        await using KestrelApp app = await StartAsync(beforeStart: () => _mount.Swap("keys.json", WithoutTheSecondKey));

        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
    }

    [Fact]
    public async Task A_swap_to_a_faulty_file_leaves_the_last_good_keys_in_force_and_is_told_once()
    {
        await using KestrelApp app = await StartAsync();

        _mount.Swap("keys.json", "{ broken");
        Look(times: 3);

        Rejections(app).Should().ContainSingle().Which.Should().Contain("keys.json: Failed to load configuration from file");
        await ShouldBeInForceAsync(app);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        Look(times: 1);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
    }

    [Fact]
    public async Task A_link_that_leads_nowhere_is_told_once_for_each_place_and_leaves_the_last_good_keys_in_force()
    {
        await using KestrelApp app = await StartAsync();
        Look(times: 1);

        _mount.Point("..gone");
        Look(times: 3);
        Rejections(app).Should().ContainSingle().Which.Should()
            .Contain($"{_mount["keys.json"]}: it leads to {_mount["..gone/keys.json"]}, which does not exist");

        _mount.Point("..lost");
        Look(times: 3);
        Rejections(app).Should().HaveCount(2);
        Rejections(app)[1].Should().Contain(_mount["..lost/keys.json"]);
        await ShouldBeInForceAsync(app);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        Look(times: 1);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
        Rejections(app).Should().HaveCount(2);
    }

    [Fact]
    public async Task Links_in_a_circle_are_reported_and_leave_the_last_good_keys_in_force()
    {
        await using KestrelApp app = await StartAsync();

        _mount.Point("..data");
        Look(times: 2);

        Rejections(app).Should().ContainSingle().Which.Should().Contain(_mount["keys.json"]);
        await ShouldBeInForceAsync(app);
    }

    [Fact]
    public async Task Only_the_file_behind_the_link_is_loaded_again_and_only_when_it_changed()
    {
        var other = new CountingSource();
        await using KestrelApp app = await StartAsync(configure: configuration => configuration.Sources.Add(other));
        Look(times: 1);
        int loadsOfOther = other.Loads;
        int reloads = 0;
        app.Services.GetRequiredService<IConfiguration>().GetReloadToken().RegisterChangeCallback(_ => reloads++, null);

        Look(times: 3);
        reloads.Should().Be(0);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        Look(times: 1);
        reloads.Should().Be(1);
        other.Loads.Should().Be(loadsOfOther);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
    }

    [Fact]
    public async Task A_file_that_is_loaded_without_reload_is_not_followed()
    {
        await using KestrelApp app = await StartAsync(reloadOnChange: false);

        _mount.Swap("keys.json", WithoutTheSecondKey);
        Look(times: 2);

        await ShouldBeInForceAsync(app);
    }

    private void Look(int times)
    {
        for (int time = 0; time < times; time++)
        {
            _time.Advance(Period);
        }
    }

    private static async Task<int> StatusAsync(KestrelApp app, string rawKey, string forwardedFor) =>
        (await app.GetAsync($"Authorization: Bearer {rawKey}", forwardedFor)).Status;

    private static Task StatusBecomesAsync(KestrelApp app, string rawKey, string forwardedFor, int status) => Eventually.IsTrueAsync(
        async () => await StatusAsync(app, rawKey, forwardedFor) == status, () => $"{rawKey} is not answered {status}");

    private static async Task ShouldBeInForceAsync(KestrelApp app)
    {
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(200);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(403);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(200);
    }

    private static string[] Rejections(KestrelApp app) =>
        [.. app.Logs.OfLibrary.Where(entry => entry.Id.Id == KeysRejected).Select(entry => entry.Message)];

    private Task<KestrelApp> StartAsync(
        bool reloadOnChange = true, Action? beforeStart = null, Action<ConfigurationManager>? configure = null) =>
        StartAsync("keys.json", _time, reloadOnChange, beforeStart, configure);

    private Task<KestrelApp> StartAsync(
        string path,
        TimeProvider? time,
        bool reloadOnChange = true,
        Action? beforeStart = null,
        Action<ConfigurationManager>? configure = null)
    {
        Requires.Program("mv");
        _mount.Swap("keys.json", Good);
        return KestrelApp.StartAsync(configure: builder =>
        {
            if (time is not null)
            {
                builder.Services.AddSingleton(time);
            }

            builder.Configuration.AddJsonFile(_mount[path], optional: false, reloadOnChange);
            configure?.Invoke(builder.Configuration);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
            beforeStart?.Invoke();
        });
    }

    private sealed class CountingSource : IConfigurationSource
    {
        public int Loads { get; private set; }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => new Provider(this);

        private sealed class Provider(CountingSource source) : ConfigurationProvider
        {
            public override void Load() => source.Loads++;
        }
    }
}
