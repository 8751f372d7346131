using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

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
        return builder;
    }
}
