using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>Start-up warnings outside Development about settings that are allowed but probably a mistake.</summary>
public sealed class StartupWarningTests
{
    private const int ForwardedForFirstIsForgeable = 6;
    private const int NoKeys = 7;
    private const int KeysInMemory = 23;
    private const int KeysWithoutAllowlist = 29;
    private const int KeysNotCounted = 30;
    private const int RangesKept = 31;

    private const string TenIds = "key_000000, key_000001, key_000002, key_000003, key_000004, key_000005, key_000006, key_000007,"
        + " key_000008, key_000009";

    [Theory]
    [InlineData("Production", true)]
    [InlineData("Staging", true)]
    [InlineData("Development", false)]
    public async Task Warns_once_of_ForwardedForFirst_and_an_empty_store(string environment, bool warns)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(environment: environment);
        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown));

        Warnings(app).Should().BeEquivalentTo(warns ? new[] { ForwardedForFirstIsForgeable, NoKeys } : []);
    }

    [Theory]
    [InlineData(ClientIpSource.PeerAddress)]
    [InlineData(ClientIpSource.TrustedProxies)]
    public async Task Does_not_warn_of_any_other_source(ClientIpSource source)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("10.0.0.0/8");
            }
        });

        Warnings(app).Should().BeEmpty();
    }

    [Fact]
    public async Task Does_not_warn_of_an_empty_store_that_the_host_wrote_itself()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => default), options => options.ClientIpSource = ClientIpSource.PeerAddress);

        Warnings(app).Should().BeEmpty();
    }

    [Fact]
    public async Task Counts_the_keys_that_a_hosted_service_puts_in_at_start_up()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            options: options => options.ClientIpSource = ClientIpSource.PeerAddress,
            configure: builder => builder.Services.AddHostedService<LateFilling>());

        Warnings(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData("Production", true, true)]
    [InlineData("Development", true, false)]
    [InlineData("Production", false, false)]
    public async Task Warns_once_of_key_administration_in_memory(string environment, bool isMapped, bool warns)
    {
        await using KestrelApp app = await StartAdministrationAsync(environment, isMapped);

        Warnings(app).Should().BeEquivalentTo(warns ? [KeysInMemory] : Array.Empty<int>());
    }

    [Fact]
    public async Task Does_not_warn_of_key_administration_with_a_repository_that_the_host_wrote_itself()
    {
        await using KestrelApp app = await StartAdministrationAsync(
            "Production", isMapped: true, builder => builder.Services.AddSingleton<IApiKeyRepository, OwnRepository>());

        Warnings(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Counts_the_keys_without_a_list_where_every_key_must_have_one(string environment)
    {
        InMemoryApiKeyStore store = WithoutLists();
        await using KestrelApp app = await KestrelApp.StartAsync(
            store,
            options =>
            {
                options.ClientIpSource = ClientIpSource.PeerAddress;
                options.RequireAllowlist = true;
            },
            environment: environment);

        Warnings(app).Should().Equal(KeysWithoutAllowlist);
        app.Logs.OfLibrary.Single(entry => entry.Id.Id == KeysWithoutAllowlist).Message.Should().EndWith(
            "keys that work and are not limited to any address until they get a list: 2 (glass, open)");
        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted))).Status.Should().Be(200, "nothing changes for its requests");
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Does_not_count_keys_without_a_list_where_they_are_allowed_or_none_exist(bool isRequired, bool hasAny)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            hasAny ? WithoutLists() : WithList(),
            options =>
            {
                options.ClientIpSource = ClientIpSource.PeerAddress;
                options.RequireAllowlist = isRequired;
            });

        Warnings(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData(0, false, "")]
    [InlineData(1, true, "key_000000")]
    [InlineData(10, true, TenIds)]
    [InlineData(11, true, $"{TenIds}, ...")]
    [InlineData(10_001, true, $"{TenIds}, ...")]
    public async Task Counts_the_keys_without_a_list_in_a_repository_of_the_host(int count, bool warns, string ids)
    {
        await using KestrelApp app = await StartRequiringAsync(new ManyKeys(count));

        Warnings(app).Should().BeEquivalentTo(warns ? [KeysWithoutAllowlist] : Array.Empty<int>());
        app.Logs.OfLibrary.Count(entry => entry.Message.EndsWith($"until they get a list: {count} ({ids})", StringComparison.Ordinal))
            .Should().Be(warns ? 1 : 0);
    }

    [Fact]
    public async Task Starts_where_the_keys_cannot_be_read_to_count_those_without_a_list()
    {
        await using KestrelApp app = await StartRequiringAsync(new OwnRepository());

        Warnings(app).Should().Equal(KeysNotCounted);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Counts_existing_ranges_where_ranges_are_not_allowed(string environment)
    {
        await using KestrelApp app = await StartWithRangesAsync(allowsRanges: false, environment);

        Warnings(app).Should().Equal(RangesKept);
        app.Logs.OfLibrary.Single(entry => entry.Id.Id == RangesKept).Message.Should().EndWith("3 ranges in the lists of 2 keys");
        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted))).Status.Should().Be(200, "the range 127.0.0.0/28 is enforced");
    }

    [Fact]
    public async Task Does_not_count_ranges_where_they_are_allowed()
    {
        await using KestrelApp app = await StartWithRangesAsync(allowsRanges: true, "Production");

        Warnings(app).Should().BeEmpty();
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(10_000, true)]
    public async Task Counts_the_ranges_of_a_repository_of_the_host(int count, bool warns)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => default),
            options => options.ClientIpSource = ClientIpSource.PeerAddress,
            builder => builder.Services.AddSingleton<IApiKeyRepository>(new ManyKeys(count, "10.0.0.0/8")));

        Warnings(app).Should().BeEquivalentTo(warns ? [RangesKept] : Array.Empty<int>());
        app.Logs.OfLibrary.Count(entry => entry.Message.EndsWith($"{count} ranges in the lists of {count} keys", StringComparison.Ordinal))
            .Should().Be(warns ? 1 : 0);
    }

    [Fact]
    public async Task Reads_the_keys_once_for_both_counts()
    {
        var repository = new ManyKeys(2);
        await using KestrelApp app = await StartRequiringAsync(repository);

        repository.Listings.Should().Be(1);
    }

    private static Task<KestrelApp> StartWithRangesAsync(bool allowsRanges, string environment)
    {
        InMemoryApiKeyStore store = WithList();
        store.Set(WithRanges(TestKeys.Restricted, "restricted", "127.0.0.0/28", "203.0.113.7", "2001:db8::/64"));
        store.Set(WithRanges(TestKeys.Expired, "expired", "10.0.0.0/8") with { ExpiresAt = DateTimeOffset.UnixEpoch });
        store.Set(WithRanges(TestKeys.Revoked, "revoked", "10.0.0.0/8") with { IsRevoked = true });
        return KestrelApp.StartAsync(
            store,
            options =>
            {
                options.ClientIpSource = ClientIpSource.PeerAddress;
                options.AllowCidrRanges = allowsRanges;
            },
            environment: environment);
    }

    private static ApiKey WithRanges(string rawKey, string id, params string[] entries) =>
        TestKeys.Create(rawKey, id) with { AllowedIps = IpAddressSet.Parse(entries, CidrRangeBounds.Default) };

    private static Task<KestrelApp> StartRequiringAsync(IApiKeyRepository repository) => KestrelApp.StartAsync(
        new ScriptedStore((_, _) => default),
        options =>
        {
            options.ClientIpSource = ClientIpSource.PeerAddress;
            options.RequireAllowlist = true;
        },
        builder => builder.Services.AddSingleton(repository));

    private static InMemoryApiKeyStore WithList()
    {
        var store = new InMemoryApiKeyStore();
        store.Set(TestKeys.Create(TestKeys.Restricted, "restricted", "203.0.113.7"));
        store.Set(TestKeys.Create(TestKeys.Unrestricted, "glass") with { IsBreakGlass = true });
        store.Set(TestKeys.Create(TestKeys.Revoked, "revoked") with { IsRevoked = true });
        store.Set(TestKeys.Create(TestKeys.Unknown, "unreadable") with { AllowedIps = IpAddressSet.Unreadable });
        return store;
    }

    /// <summary>The same, two keys that work without a list, and two that do not work.</summary>
    private static InMemoryApiKeyStore WithoutLists()
    {
        InMemoryApiKeyStore store = WithList();
        store.Set(TestKeys.Create(TestKeys.Unrestricted, "glass"));
        store.Set(TestKeys.Create("another", "open"));
        store.Set(TestKeys.Create("disabled", "disabled") with { IsDisabled = true });
        store.Set(TestKeys.Create(TestKeys.Expired, "expired") with { ExpiresAt = DateTimeOffset.UnixEpoch });
        return store;
    }

    private static Task<KestrelApp> StartAdministrationAsync(
        string environment, bool isMapped, Action<WebApplicationBuilder>? configure = null) =>
        KestrelApp.StartAsync(
            TestKeys.Store(),
            options => options.ClientIpSource = ClientIpSource.PeerAddress,
            builder =>
            {
                builder.Services.AddAuthorization();
                configure?.Invoke(builder);
            },
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                if (isMapped)
                {
                    app.MapFlowBeaconApiKeys();
                }
            },
            environment);

    private static IEnumerable<int> Warnings(KestrelApp app) =>
        app.Logs.OfLibrary.Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Id.Id);

    /// <summary>So many keys with a list, by default an empty one, among others.</summary>
    private sealed class ManyKeys(int count, params string[] list) : IApiKeyRepository
    {
        private readonly ApiKeyDetails[] _keys =
        [
            .. Enumerable.Range(0, count).Select(number => Details(WithRanges($"open {number}", $"key_{number:d6}", list))),
            Details(TestKeys.Create("listed", "key_a", "203.0.113.7")),
            Details(TestKeys.Create("glass", "key_b") with { IsBreakGlass = true }),
        ];

        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public int Listings { get; private set; }

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken)
        {
            Listings++;
            return new([.. _keys.Where(key => string.CompareOrdinal(key.Key.Id, query.After) > 0).Take(query.Limit)]);
        }

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        private static ApiKeyDetails Details(ApiKey key) => new() { Key = key, Version = 1 };
    }

    private sealed class OwnRepository : IApiKeyRepository
    {
        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private sealed class LateFilling(InMemoryApiKeyStore store) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            store.Set(TestKeys.Create(TestKeys.Restricted, "late"));
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
