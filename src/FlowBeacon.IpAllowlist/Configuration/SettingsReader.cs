using FlowBeacon.IpAllowlist.Common;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Finds faults in a section of settings that the framework's binder ignores: a missing section, a list merged from two sources, another
/// value in place of a list, and a setting without a value, which would leave the default in force.
/// </summary>
internal static class SettingsReader
{
    /// <summary>Every fault, each with its path and remedy.</summary>
    /// <param name="root">The host's configuration.</param>
    /// <param name="path">The section.</param>
    /// <param name="lists">The settings that are lists.</param>
    /// <param name="mayBeEmpty">The settings of which an empty text is a value.</param>
    public static IReadOnlyList<string> FaultsOf(
        IConfigurationRoot root, string path, IReadOnlyCollection<string> lists, IReadOnlyCollection<string> mayBeEmpty)
    {
        var section = ConfigurationTree.Read([.. ConfigurationTree.Providers(root)], path, members: [], itemMembers: []);
        if (section.Sources.Count == 0)
        {
            return [$"{path}: the section is missing; write an object with the settings, or {{}} for the defaults"];
        }

        var files = new JsonFiles();
        if (section.Sources.FirstOrDefault(source => !HasObject(source, path, files)) is { } single)
        {
            _ = single.TryGet(path, out string? value);
            return [$"{path}: {PrintableText.Quote(value ?? "null")} is not an object; write the settings, or {{}} for the defaults"];
        }

        return
        [
            .. from setting in section.Children
               let isList = lists.Contains(setting.Key, StringComparer.OrdinalIgnoreCase)
               let canBeEmpty = mayBeEmpty.Contains(setting.Key, StringComparer.OrdinalIgnoreCase)
               let fault = isList ? FaultOfList(setting, files) : FaultOfValue(setting, canBeEmpty)
               where fault is not null
               select $"{setting.Path}: {fault}",
        ];
    }

    /// <summary>Whether a source that has values in a section has an object there.</summary>
    private static bool HasObject(IConfigurationProvider source, string path, JsonFiles files)
    {
        if (!source.TryGet(path, out string? value) || files.HasObject(source, path))
        {
            return true;
        }

        // As in ConfigurationNode.SetValue(): beside values below, an empty text is not a value, unless it comes from a file.
        return string.IsNullOrEmpty(value) && source is not FileConfigurationProvider && source.GetChildKeys([], path).Any();
    }

    private static string? FaultOfValue(ConfigurationNode setting, bool canBeEmpty) =>
        setting.Children.Length > 0 || setting.Value is null
            ? "must be a single value, not a list, an object or null; leave the setting out for its default"
            : setting.Value.Length == 0 && !canBeEmpty ? "the value is empty; write one, or leave the setting out for its default"
            : null;

    private static string? FaultOfList(ConfigurationNode list, JsonFiles files)
    {
        if (list.Sources.Count > 1 && !ConfigurationKeyReader.IsOneListRepeated(list))
        {
            return $"the list comes from {string.Join(" and from ", list.Sources.Select(source => source.ToString()))},"
                + " which would merge by index, so that entries meant to be replaced stay; keep it in one of them";
        }

        ConfigurationNode[] items = list.Children;
        if (items.Length == 0)
        {
            return files.HasEmptyArray(list.Sources[0], list.Path)
                ? null
                : $"{PrintableText.Quote(list.Value ?? "null")} is not a list; write [\"…\"]";
        }

        return !string.IsNullOrEmpty(list.Value) || !ConfigurationKeyReader.AreListItems(items) || items.Any(item => item.Value is null)
            ? "must be a list of texts, numbered from 0 without gaps"
            : null;
    }
}
