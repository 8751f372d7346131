using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Reads a section of objects that are keyed by name, in time that grows with what is there. Asking each section for its children, as the
/// framework does, takes quadratic time: a provider then goes through all of its data, and for every object again.
/// </summary>
internal static class ConfigurationTree
{
    /// <summary>The number of values that is never reached, so that a provider is asked for everything it has.</summary>
    private const int Unknown = int.MaxValue;

    /// <summary>Reads a section.</summary>
    /// <param name="providers">Who is asked, in the order in which they override each other.</param>
    /// <param name="path">The path of the section.</param>
    /// <param name="members">What an object usually has, single values and lists. Anything else is found, too, but takes longer.</param>
    public static ConfigurationNode Read(IReadOnlyList<IConfigurationProvider> providers, string path, IReadOnlyList<string> members)
    {
        var section = new ConfigurationNode(path);
        Dictionary<string, int>[] listings = [.. providers.Select(provider => CountValues(provider, path))];

        // A name is spelt as the last provider spells it.
        ConfigurationNode[] objects =
        [
            .. listings.Reverse().SelectMany(listing => listing.Keys).Distinct(StringComparer.OrdinalIgnoreCase).Select(section.Child),
        ];
        foreach ((IConfigurationProvider provider, Dictionary<string, int> listing) in providers.Zip(listings))
        {
            foreach (ConfigurationNode node in objects)
            {
                if (TakeMembers(provider, node, members) != listing.GetValueOrDefault(node.Key))
                {
                    TakeEverything(provider, node);
                }
            }

            TakeValue(provider, section);
        }

        return section;
    }

    /// <summary>
    /// The names that a provider lists in a section, with the number of values it has at and below each. The framework's providers list a
    /// name once for every such value. Other providers list each name once and do not tell the number.
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

    /// <summary>Whether a provider lists a section more than once in the one above it, asked where no name comes twice.</summary>
    private static bool IsSectionRepeated(IConfigurationProvider provider, string path) =>
        provider.GetChildKeys([], ConfigurationPath.GetParentPath(path))
            .Count(name => name.Equals(ConfigurationPath.GetSectionKey(path), StringComparison.OrdinalIgnoreCase)) > 1;

    /// <summary>Takes the values of an object's usual members, and returns how many there were.</summary>
    private static int TakeMembers(IConfigurationProvider provider, ConfigurationNode node, IReadOnlyList<string> members)
    {
        int taken = 0;
        foreach (string member in members)
        {
            ConfigurationNode child = node.Child(member);
            for (int index = 0; provider.TryGet(ItemPath(child, index), out string? item); index++)
            {
                child.Child(Number(index)).SetValue(provider, item);
                taken++;
            }

            taken += TakeValue(provider, child) ? 1 : 0;
        }

        return taken + (TakeValue(provider, node) ? 1 : 0);
    }

    /// <summary>Takes all that a provider has at and below a node, each step of which goes through all of the provider's data.</summary>
    private static void TakeEverything(IConfigurationProvider provider, ConfigurationNode node)
    {
        node.AddSource(provider);
        foreach (string name in provider.GetChildKeys([], node.Path).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            TakeEverything(provider, node.Child(name));
        }

        TakeValue(provider, node);
    }

    private static bool TakeValue(IConfigurationProvider provider, ConfigurationNode node)
    {
        if (!provider.TryGet(node.Path, out string? value))
        {
            return false;
        }

        node.SetValue(provider, value);
        return true;
    }

    private static string ItemPath(ConfigurationNode list, int index) => ConfigurationPath.Combine(list.Path, Number(index));

    private static string Number(int index) => index.ToString(CultureInfo.InvariantCulture);
}
