using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>Finds the single providers behind a configuration.</summary>
internal static class ConfigurationSources
{
    /// <summary>All providers, those of chained configurations included, in the order in which they override each other.</summary>
    public static IEnumerable<IConfigurationProvider> Providers(IConfigurationRoot root) => root.Providers.SelectMany(provider =>
        provider is ChainedConfigurationProvider { Configuration: IConfigurationRoot chained } ? Providers(chained) : [provider]);
}
