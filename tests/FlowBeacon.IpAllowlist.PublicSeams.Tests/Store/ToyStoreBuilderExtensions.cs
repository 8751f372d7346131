using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>Puts keys into a toy store, in one line as the packages of real ones do.</summary>
internal static class ToyStoreBuilderExtensions
{
    public static IpAllowlistBuilder AddToyStore(this IpAllowlistBuilder builder, ToyStore store, string node)
    {
        builder.Services.AddSingleton(provider => new ToyNode(store, provider.GetRequiredService<TimeProvider>(), node));
        builder.Services.AddSingleton<IApiKeyStore>(provider => provider.GetRequiredService<ToyNode>());
        builder.Services.AddSingleton<IApiKeyRepository>(provider => provider.GetRequiredService<ToyNode>());
        builder.Services.AddSingleton<IAuditLog>(store);
        builder.Services.AddSingleton<IFleetStatus>(provider => new ToyFleet(
            store, provider.GetRequiredService<ToyNode>(), provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<IHostedService, Loader>();
        return builder;
    }

    /// <summary>
    /// Loads the keys when the host starts. If the store is unavailable, the host still starts, and clients get a 503 with the time to
    /// wait.
    /// </summary>
    private sealed class Loader(ToyNode node) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            node.Load();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
