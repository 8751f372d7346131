using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Reads a section of objects keyed by name in linear time. Asking each object for its children, as the framework does, takes quadratic
/// time, because a provider goes through all of its data each time.
/// </summary>
internal static class ConfigurationTree
{
    /// <summary>Larger than any number of values, so that everything is read.</summary>
    private const int Unknown = int.MaxValue;

    /// <summary>All providers, those of chained configurations included, in the order in which they override each other.</summary>
    public static IEnumerable<IConfigurationProvider> Providers(IConfigurationRoot root) => root.Providers.SelectMany(provider =>
        provider is ChainedConfigurationProvider { Configuration: IConfigurationRoot chained } ? Providers(chained) : [provider]);

    /// <summary>Reads a section from providers, in the order in which they override each other.</summary>
    /// <param name="providers">The providers.</param>
    /// <param name="path">The section.</param>
    /// <param name="members">The members that an object of the section usually has. Others are found as well, but take longer.</param>
    /// <param name="itemMembers">
    /// The members that an object in a list usually has; the first one is in every such object. Others are found as well.
    /// </param>
    public static ConfigurationNode Read(
        IReadOnlyList<IConfigurationProvider> providers, string path, IReadOnlyList<string> members, IReadOnlyList<string> itemMembers)
    {
        var section = new ConfigurationNode(path);
        Dictionary<string, int>[] listings = [.. providers.Select(provider => CountValues(provider, path))];

        // The last provider decides the casing of a name.
        ConfigurationNode[] objects =
        [
            .. listings.Reverse().SelectMany(listing => listing.Keys).Distinct(StringComparer.OrdinalIgnoreCase).Select(section.Child),
        ];
        foreach ((IConfigurationProvider provider, Dictionary<string, int> listing) in providers.Zip(listings))
        {
            foreach (ConfigurationNode node in objects)
            {
                if (ReadMembers(provider, node, members, itemMembers) != listing.GetValueOrDefault(node.Key))
                {
                    ReadAll(provider, node);
                }
            }

            ReadValue(provider, section);
        }

        return section;
    }

    /// <summary>
    /// The names that a provider lists in a section, with the number of values it has at and below each. The framework's providers list a
    /// name once for every such value. Other providers list each name once, so the number is unknown.
    /// </summary>
    private static Dictionary<string, int> CountValues(IConfigurationProvider provider, string path)
    {
        var counts = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        int listed = 0;
        foreach (string name in provider.GetChildKeys([], path))
        {
            counts[name] = counts.GetValueOrDefault(name) + 1;
            listed++;
        }

        bool isNameRepeated = counts.Count < listed || (listed > 0 && IsSectionRepeated(provider, path));
        return isNameRepeated ? counts : counts.Keys.ToDictionary(name => name, _ => Unknown, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Whether a provider lists a section more than once in its parent section.</summary>
    private static bool IsSectionRepeated(IConfigurationProvider provider, string path) =>
        provider.GetChildKeys([], ConfigurationPath.GetParentPath(path))
            .Count(name => name.Equals(ConfigurationPath.GetSectionKey(path), StringComparison.OrdinalIgnoreCase)) > 1;

    /// <summary>Reads the values of an object's usual members, and returns how many there were.</summary>
    private static int ReadMembers(
        IConfigurationProvider provider, ConfigurationNode node, IReadOnlyList<string> members, IReadOnlyList<string> itemMembers)
    {
        int count = 0;
        foreach (string member in members)
        {
            ConfigurationNode child = node.Child(member);
            for (int index = 0; ReadItem(provider, child, index, itemMembers) is > 0 and int values; index++)
            {
                count += values;
            }

            count += ReadValue(provider, child) ? 1 : 0;
        }

        return count + (ReadValue(provider, node) ? 1 : 0);
    }

    /// <summary>Reads an item of a list, a text or an object, and returns how many values it has.</summary>
    private static int ReadItem(IConfigurationProvider provider, ConfigurationNode list, int index, IReadOnlyList<string> itemMembers)
    {
        string name = index.ToString(CultureInfo.InvariantCulture);
        string path = ConfigurationPath.Combine(list.Path, name);
        bool hasText = provider.TryGet(path, out string? text);
        if (hasText && !string.IsNullOrEmpty(text))
        {
            list.Child(name).SetValue(provider, text);
            return 1;
        }

        // An object may have an empty text beside its members, which are then read first, see SetValue().
        int count = 0;
        if (itemMembers.Count > 0 && provider.TryGet(ConfigurationPath.Combine(path, itemMembers[0]), out _))
        {
            count = itemMembers.Count(member => ReadValue(provider, list.Child(name).Child(member)));
        }

        if (hasText)
        {
            list.Child(name).SetValue(provider, text);
            count++;
        }

        return count;
    }

    /// <summary>Reads all values of a provider at and below a node; each step goes through all of the provider's data.</summary>
    private static void ReadAll(IConfigurationProvider provider, ConfigurationNode node)
    {
        node.AddSource(provider);
        foreach (string name in provider.GetChildKeys([], node.Path).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            ReadAll(provider, node.Child(name));
        }

        ReadValue(provider, node);
    }

    private static bool ReadValue(IConfigurationProvider provider, ConfigurationNode node)
    {
        if (!provider.TryGet(node.Path, out string? value))
        {
            return false;
        }

        node.SetValue(provider, value);
        return true;
    }
}
