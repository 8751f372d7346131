using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>What start-up says outside Development about settings that are legal and probably not meant.</summary>
public sealed class StartupWarningTests
{
    private const int ForwardedForFirstIsForgeable = 6;
    private const int NoKeys = 7;
    private const int KeysInMemory = 23;

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
