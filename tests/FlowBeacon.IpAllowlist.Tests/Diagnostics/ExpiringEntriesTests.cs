using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>Entries in use and about to expire in the health check of an application.</summary>
public sealed class ExpiringEntriesTests
{
    private const int ExpiringEntriesUnknown = 33;
    private const string Address = "203.0.113.7";
    private const string Entry = "203.0.113.0/28";

    private readonly FakeTimeProvider _time = new(ManagedKeys.Start);
    private readonly InMemoryApiKeyStore _store = new();

    [Fact]
    public async Task The_health_check_tells_the_number_and_the_keys_from_a_day_before_and_stays_healthy()
    {
        SetKey(ManagedKeys.Start.AddHours(20));
        await using KestrelApp app = await StartAsync();
        (await HealthAsync(app)).Data.Should().BeEquivalentTo(new Dictionary<string, object>
        {
            ["entries_expiring_in_use"] = 0,
            ["keys_with_entries_expiring_in_use"] = Array.Empty<string>(),
        });
        await UseAsync(app);

        await LookAsync(app, count => count == 1);

        HealthReportEntry health = await HealthAsync(app);
        health.Status.Should().Be(HealthStatus.Healthy);
        health.Data["keys_with_entries_expiring_in_use"].Should().BeEquivalentTo(new[] { "key" });

        SetKey(ManagedKeys.Start.AddDays(30));
        await LookAsync(app, count => count == 0);
    }

    [Fact]
    public async Task No_more_than_ten_keys_are_named()
    {
        string[] rawKeys = [.. Enumerable.Range(0, 11).Select(number => $"fb_live_{new string((char)('a' + number), 48)}")];
        foreach (string rawKey in rawKeys)
        {
            _store.Set(KeyOf(rawKey, $"key {rawKey[8]}", ManagedKeys.Start.AddHours(20)));
        }

        await using KestrelApp app = await StartAsync();
        foreach (string rawKey in rawKeys)
        {
            await UseAsync(app, rawKey);
        }

        await LookAsync(app, count => count == 11);

        (await HealthAsync(app)).Data["keys_with_entries_expiring_in_use"].Should().BeOfType<string[]>().Which.Should().HaveCount(10);
    }

    [Fact]
    public async Task Keys_of_a_repository_of_the_host_are_looked_at_and_a_failure_is_logged_and_passes()
    {
        ApiKey key = KeyOf(TestKeys.Restricted, "key", ManagedKeys.Start.AddHours(20));
        var repository = new OneKey(new ApiKeyDetails { Key = key, Version = 1 });
        await using KestrelApp app = await StartAsync(new ScriptedStore((_, _) => new(key)), repository);
        await UseAsync(app);

        repository.IsBroken = true;
        await AdvanceUntilAsync(app, () => app.Logs.OfLibrary.Any(entry => entry.Id.Id == ExpiringEntriesUnknown));
        (await HealthAsync(app)).Data["entries_expiring_in_use"].Should().Be(0);

        repository.IsBroken = false;
        await LookAsync(app, count => count == 1);
        (await UseAsync(app)).Should().Be(200);
    }

    private static ApiKey KeyOf(string rawKey, string id, DateTimeOffset? expiresAt) => TestKeys.Create(rawKey, id) with
    {
        AllowedIps = IpAddressSet.ReadStored([new IpAllowlistEntry { Text = Entry, ExpiresAt = expiresAt }], out _),
    };

    private static async Task<int> UseAsync(KestrelApp app, string rawKey = TestKeys.Restricted) =>
        (await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(Address))).Status;

    private static async Task<HealthReportEntry> HealthAsync(KestrelApp app) =>
        (await app.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(TestContext.Current.CancellationToken)).Entries["flowbeacon_ip_allowlist"];

    private void SetKey(DateTimeOffset? expiresAt) => _store.Set(KeyOf(TestKeys.Restricted, "key", expiresAt));

    /// <summary>Lets time pass until a look, in the background, has found so many entries.</summary>
    private Task LookAsync(KestrelApp app, Predicate<int> isExpected) => AdvanceUntilAsync(
        app, () => isExpected((int)HealthAsync(app).GetAwaiter().GetResult().Data["entries_expiring_in_use"]));

    private Task AdvanceUntilAsync(KestrelApp app, Func<bool> isReached) => Eventually.IsTrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            return isReached();
        },
        () => $"nothing was found until {_time.GetUtcNow()}: {string.Join(' ', app.Logs.OfLibrary.Select(entry => entry.Message))}");

    private Task<KestrelApp> StartAsync(IApiKeyStore? store = null, IApiKeyRepository? repository = null) =>
        KestrelApp.StartAsync(store ?? _store, configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Services.AddHealthChecks().AddFlowBeaconIpAllowlist();
            if (repository is not null)
            {
                builder.Services.AddSingleton(repository);
            }
        });

    private sealed class OneKey(ApiKeyDetails key) : IApiKeyRepository
    {
        public bool IsBroken { get; set; }

        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            IsBroken ? throw new TimeoutException() : new([key]);

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
