using FlowBeacon.IpAllowlist.Common;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Finds in a section of settings what the framework's binder takes without a word: a section that is not there, a list that two sources
/// mix, and something else where a list belongs.
/// </summary>
internal static class SettingsReader
{
    /// <summary>Every fault, each with its path and remedy.</summary>
    /// <param name="root">The host's configuration.</param>
    /// <param name="path">The section.</param>
    /// <param name="lists">The settings that are lists.</param>
    public static IEnumerable<string> FaultsOf(IConfigurationRoot root, string path, IEnumerable<string> lists)
    {
        var section = ConfigurationTree.Read([.. ConfigurationTree.Providers(root)], path, members: [], itemMembers: []);
        if (section.Sources.Count == 0)
        {
            return [$"{path}: the section is missing; write an object with the settings, {{}} for the defaults"];
        }

        var files = new JsonFiles();
        if (section.Children.Length == 0 && !section.Sources.All(source => files.HasObject(source, path)))
        {
            return
            [
                $"{path}: {PrintableText.Quote(section.Value ?? "null")} is no object; write one with the settings, {{}} for the defaults",
            ];
        }

        return lists.Select(section.Child).Where(list => list.Sources.Count > 0)
            .Select(list => FaultOf(list, files) is { } fault ? $"{list.Path}: {fault}" : null).OfType<string>();
    }

    private static string? FaultOf(ConfigurationNode list, JsonFiles files)
    {
        if (list.Sources.Count > 1 && !ConfigurationKeyReader.IsOneListRepeated(list))
        {
            return $"the list comes from {string.Join(" and from ", list.Sources.Select(source => source.ToString()))},"
                + " which would merge by index, so that entries stay that were to be replaced; keep it in one of them";
        }

        ConfigurationNode[] items = list.Children;
        if (items.Length == 0)
        {
            return files.HasEmptyArray(list.Sources[0], list.Path)
                ? null
                : $"{PrintableText.Quote(list.Value ?? "null")} stands where a list belongs; write [\"…\"]";
        }

        return !string.IsNullOrEmpty(list.Value) || !ConfigurationKeyReader.AreListItems(items) || items.Any(item => item.Value is null)
            ? "a list of texts belongs here, numbered from 0 without gaps"
            : null;
    }
}
