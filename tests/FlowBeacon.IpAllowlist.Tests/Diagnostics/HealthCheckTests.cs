using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>The self-diagnosis as an application's health checks and log show it.</summary>
public sealed class HealthCheckTests
{
    private const string Suspect = "The client-address source is probably wrong: requests with 3 of 3 keys all seem to come from 127.0.0.1,"
        + " probably one of your proxies; make it send X-Forwarded-For";

    private static readonly string[] RawKeys =
        [.. Enumerable.Range(0, 3).Select(number => $"fb_live_{new string((char)('a' + number), 48)}")];

    private readonly FakeTimeProvider _time = new(ObservedTraffic.Start);

    [Fact]
    public async Task Turns_Degraded_with_the_remedy_and_Healthy_again_and_logs_each_change_once()
    {
        await using KestrelApp app = await StartAsync(checks => checks.AddFlowBeaconIpAllowlist());
        (await CheckAsync(app)).Should().BeEquivalentTo(new { Status = HealthStatus.Healthy, Description = (string?)null });

        await UseAllKeysAsync(app);
        (await CheckAsync(app)).Should().BeEquivalentTo(new { Status = HealthStatus.Degraded, Description = Suspect });
        (await CheckAsync(app)).Status.Should().Be(HealthStatus.Degraded);

        await UseAllKeysAsync(app, HeaderLine.ForwardedFor("198.51.100.9"));
        (await CheckAsync(app)).Status.Should().Be(HealthStatus.Healthy);
        (await CheckAsync(app)).Status.Should().Be(HealthStatus.Healthy);

        Logged(app).Should().Equal((16, Suspect), (17, "The client-address source appears right again"));
    }

    [Fact]
    public async Task Requests_that_are_denied_count_as_well()
    {
        await using KestrelApp app = await StartAsync(checks => checks.AddFlowBeaconIpAllowlist(), "192.0.2.1");

        await UseAllKeysAsync(app, status: 403);

        (await CheckAsync(app)).Should().BeEquivalentTo(new { Status = HealthStatus.Degraded, Description = Suspect });
    }

    [Fact]
    public async Task The_finding_can_be_asked_for_without_health_checks()
    {
        await using KestrelApp app = await StartAsync(checks: null);
        IClientIpSourceDiagnosis diagnosis = app.Services.GetRequiredService<IClientIpSourceDiagnosis>();
        diagnosis.Judge().Should().BeNull();

        await UseAllKeysAsync(app);
        Suspect.Should().Be($"The client-address source is probably wrong: {diagnosis.Judge()}");

        await UseAllKeysAsync(app, HeaderLine.ForwardedFor("198.51.100.9"));
        diagnosis.Judge().Should().BeNull();
    }

    [Fact]
    public async Task Takes_a_name_a_status_and_tags()
    {
        await using KestrelApp app = await StartAsync(
            checks => checks.AddFlowBeaconIpAllowlist("addresses", HealthStatus.Unhealthy, ["edge"]));
        await UseAllKeysAsync(app);

        HealthReport report = await app.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(TestContext.Current.CancellationToken);

        report.Entries.Should().ContainKey("addresses").WhoseValue.Should().BeEquivalentTo(
            new { Status = HealthStatus.Unhealthy, Description = Suspect, Tags = new[] { "edge" } });
    }

    [Fact]
    public void A_builder_and_a_name_are_a_must()
    {
        IHealthChecksBuilder checks = new ServiceCollection().AddHealthChecks();

        ((Action)(() => IpAllowlistHealthChecksBuilderExtensions.AddFlowBeaconIpAllowlist(null!)))
            .Should().Throw<ArgumentNullException>().WithParameterName("builder");
        ((Action)(() => checks.AddFlowBeaconIpAllowlist(null!))).Should().Throw<ArgumentNullException>().WithParameterName("name");
    }

    [Fact]
    public async Task Is_logged_without_a_health_check()
    {
        await using KestrelApp app = await StartAsync(checks: null);
        await UseAllKeysAsync(app);
        Logged(app).Should().BeEmpty("no minute has passed");

        // The watch begins in the background: the first minutes may pass before it does.
        await Eventually.IsTrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                return Logged(app).Any();
            },
            () => "no line was logged");
        Logged(app).Should().Equal((16, Suspect));

        await UseAllKeysAsync(app, HeaderLine.ForwardedFor("198.51.100.9"));
        await Eventually.IsTrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                return Logged(app).Count() > 1;
            },
            () => "no second line was logged");
        Logged(app).Should().Equal((16, Suspect), (17, "The client-address source appears right again"));
    }

    private static IEnumerable<(int Id, string Message)> Logged(KestrelApp app) =>
        app.Logs.OfLibrary.Where(entry => entry.Id.Id is 16 or 17).Select(entry => (entry.Id.Id, entry.Message));

    private static async Task UseAllKeysAsync(KestrelApp app, string? header = null, int status = 200)
    {
        foreach (string rawKey in RawKeys)
        {
            (await app.GetAsync([HeaderLine.Bearer(rawKey), .. header is null ? Array.Empty<string>() : [header]])).Status
                .Should().Be(status);
        }
    }

    private static async Task<HealthReportEntry> CheckAsync(KestrelApp app) =>
        (await app.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(TestContext.Current.CancellationToken)).Entries["flowbeacon_ip_allowlist"];

    private Task<KestrelApp> StartAsync(Action<IHealthChecksBuilder>? checks, params string[] allowedIps)
    {
        var store = new InMemoryApiKeyStore();
        for (int number = 0; number < RawKeys.Length; number++)
        {
            store.Set(TestKeys.Create(RawKeys[number], $"key-{number}", allowedIps));
        }

        return KestrelApp.StartAsync(store, configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            checks?.Invoke(builder.Services.AddHealthChecks());
        });
    }
}
