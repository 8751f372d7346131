using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>Asks single configuration providers what the merged view hides: who says something.</summary>
internal static class ConfigurationSources
{
    /// <summary>All providers, those of chained configurations included, in the order in which they override each other.</summary>
    public static IEnumerable<IConfigurationProvider> Providers(IConfigurationRoot root) => root.Providers.SelectMany(provider =>
        provider is ChainedConfigurationProvider { Configuration: IConfigurationRoot chained } ? Providers(chained) : [provider]);

    /// <summary>Whether a provider says anything at a path or below it.</summary>
    public static bool Feeds(IConfigurationProvider provider, string path) =>
        provider.TryGet(path, out _) || provider.GetChildKeys([], path).Any();
}
