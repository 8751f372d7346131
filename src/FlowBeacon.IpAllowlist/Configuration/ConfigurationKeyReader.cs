using System.Globalization;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>Reads keys from one state of the configuration, strictly, and collects every fault with its path, value and remedy.</summary>
internal sealed class ConfigurationKeyReader
{
    /// <summary>Path segments with another meaning in the URLs of key administration: its other routes, and relative paths.</summary>
    private static readonly string[] ReservedNames = ["audit", "denials", "nodes", ".", ".."];

    private static readonly string[] Members =
    [
        nameof(ApiKey.Hash), nameof(ApiKey.AllowedIps), nameof(ApiKey.Prefix), nameof(ApiKey.Scopes), nameof(ApiKey.ExpiresAt),
        nameof(ApiKey.AllowlistMode), "Demo",
    ];

    private readonly ConfigurationNode _section;
    private readonly JsonFiles _files = new();
    private readonly bool _isDevelopment;
    private readonly ConfigurationKeyRules _rules;
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<ApiKeyHash, string> _nameByHash = [];

    private ConfigurationKeyReader(IConfigurationRoot root, string path, bool isDevelopment, ConfigurationKeyRules rules)
    {
        _section = ConfigurationTree.Read([.. ConfigurationTree.Providers(root)], path, Members, ConfiguredEntry.Members);
        _isDevelopment = isDevelopment;
        _rules = rules;
    }

    /// <summary>Reads the keys; they count only if there is no fault.</summary>
    public static IReadOnlyList<ConfiguredKey> Read(
        IConfigurationRoot root, string path, bool isDevelopment, ConfigurationKeyRules rules, out IReadOnlyList<string> faults)
    {
        var reader = new ConfigurationKeyReader(root, path, isDevelopment, rules);
        ConfiguredKey[] keys = [.. reader.ReadKeys()];
        faults = reader._faults;
        return keys;
    }

    private IEnumerable<ConfiguredKey> ReadKeys()
    {
        ConfigurationNode[] children = _section.Children;
        if (_section.Sources.Count == 0)
        {
            Fault(_section.Path, "the section is missing; write an object keyed by key name, {} for no keys");
        }
        else if (_section.Value is not null || (children.Length > 0 && AreListItems(children)))
        {
            Fault(_section.Path, "keys are an object keyed by key name, neither a list nor a single value");
            return [];
        }
        else if (children.Length == 0 && !_section.Sources.All(source => _files.HasObject(source, _section.Path)))
        {
            Fault(_section.Path, "null is not an object; write {} in a JSON file for no keys");
        }

        return children.Select(ReadKey).OfType<ConfiguredKey>();
    }

    private ConfiguredKey? ReadKey(ConfigurationNode section)
    {
        int faultsBefore = _faults.Count;
        if (!KeyNameRules.TryRead(section.Key, keyPrefix: "", out string name, out string? fault))
        {
            // Shortened, and without faults of its members, whose paths would repeat the name: it may be a raw key.
            Fault($"{_section.Path}:{PrintableText.Cut(section.Key)}", $"a key's name {fault}");
            return null;
        }

        if (!_names.Add(name))
        {
            Fault(section.Path, "another key has this name, in another spelling of its characters; choose another name");
        }

        if (section.Value is not null)
        {
            Fault(section.Path, $"a key is an object with the members {nameof(ApiKey.Hash)} and {nameof(ApiKey.AllowedIps)}");
            return null;
        }

        if (ApiKeyId.IsOne(section.Key))
        {
            Fault(section.Path, "this is the id of a key that was made by key administration; choose another name");
        }

        // The name is the id, a segment of URLs. Kestrel leaves an encoded slash encoded.
        if (ReservedNames.Contains(section.Key, StringComparer.OrdinalIgnoreCase) || section.Key.Contains('/', StringComparison.Ordinal))
        {
            Fault(section.Path, "this name cannot be part of the URL of key administration;"
                + $" choose another name, without a slash and none of {string.Join(", ", ReservedNames)}");
        }

        CheckMembers(section, "a key", Members);
        ApiKeyHash hash = ReadHash(section);
        IpAddressSet allowedIps = ReadAllowedIps(section, out Dictionary<string, string> notes);
        string prefix = ReadPrefix(section);
        string[] scopes = ReadScopes(section);
        DateTimeOffset? expiresAt = ReadExpiresAt(section);
        AllowlistMode mode = ReadAllowlistMode(section);
        CheckDemo(section);
        return _faults.Count > faultsBefore
            ? null
            : new ConfiguredKey(
                new ApiKey
                {
                    Id = name,
                    Name = name,
                    Hash = hash,
                    AllowedIps = allowedIps,
                    Prefix = prefix,
                    Scopes = scopes,
                    ExpiresAt = expiresAt,
                    AllowlistMode = mode,
                },
                notes);
    }

    // Faults of a hash or a prefix do not repeat the value: a wrong one is most likely the raw key.
    private ApiKeyHash ReadHash(ConfigurationNode key)
    {
        if (!TryReadScalar(key, nameof(ApiKey.Hash), out string path, out string? text))
        {
            return default;
        }

        if (text is null)
        {
            Fault(path, "the hash is missing; write the SHA-256 of the raw key as 64 hex digits");
        }
        else if (!ApiKeyHash.TryParse(text, out ApiKeyHash hash))
        {
            Fault(path, $"a text of {text.Length} characters is not a hash;"
                + " write the SHA-256 of the raw key as 64 hex digits, never the raw key");
        }
        else if (!_nameByHash.TryAdd(hash, key.Key))
        {
            Fault(path, $"the key '{_nameByHash[hash]}' has the same hash; give each key a raw key of its own");
        }
        else
        {
            return hash;
        }

        return default;
    }

    private string ReadPrefix(ConfigurationNode key)
    {
        if (!TryReadScalar(key, nameof(ApiKey.Prefix), out string path, out string? text) || text is null)
        {
            return "";
        }

        if (text.Length != ApiKey.PrefixLength)
        {
            Fault(path, $"a text of {text.Length} characters is not a prefix;"
                + $" write the first {ApiKey.PrefixLength} characters of the raw key, and no more");
            return "";
        }

        if (text.Any(character => character is <= ' ' or > '~'))
        {
            Fault(path, "a prefix is printable ASCII without spaces;"
                + $" write the first {ApiKey.PrefixLength} characters of the raw key, and no more");
            return "";
        }

        return text;
    }

    private void CheckMembers(ConfigurationNode section, string what, string[] members)
    {
        foreach (ConfigurationNode member in section.Children)
        {
            if (!members.Contains(member.Key, StringComparer.OrdinalIgnoreCase))
            {
                Fault(
                    $"{section.Path}:{PrintableText.Cut(member.Key)}",
                    $"unknown member; the members of {what} are {string.Join(", ", members)}");
            }
        }
    }

    private IpAddressSet ReadAllowedIps(ConfigurationNode key, out Dictionary<string, string> notes)
    {
        notes = [];
        ConfigurationNode section = key.Child(nameof(ApiKey.AllowedIps));
        string faultIfMissing = _rules.RequireAllowlist
            ? "the list is missing; write the allowed addresses"
            : "the list is missing; write the allowed addresses, or [] to turn the check off for this key";
        if (ReadList(section, faultIfMissing, mayBeEmpty: !_rules.RequireAllowlist) is not { } items)
        {
            return IpAddressSet.Empty;
        }

        if (_rules.RequireAllowlist && items.Length == 0)
        {
            Fault(section.Path, "[] is no list, and this application requires one of every key (RequireAllowlist); write the allowed"
                + " addresses");
        }

        ConfiguredEntry[] entries = [.. items.Select(ReadEntry).OfType<ConfiguredEntry>()];
        IEnumerable<IpAllowlistEntry> read = entries.Select(entry => new IpAllowlistEntry { Text = entry.Ip, ExpiresAt = entry.ExpiresAt });
        if (IpAddressSet.TryParse(read, _rules.Ranges, out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors))
        {
            notes = ReadNotes(entries);
            return set;
        }

        _faults.AddRange(errors.Select(error => $"{entries[error.Index].Path}: {error.Message}"));
        return IpAddressSet.Empty;
    }

    /// <summary>Reads an item of a key's list apart from its address; null, with a fault, if it is malformed.</summary>
    private ConfiguredEntry? ReadEntry(ConfigurationNode item)
    {
        if (item.Children.Length == 0 && item.Value is { } text)
        {
            return new ConfiguredEntry(item.Path, text, Note: "", ExpiresAt: null);
        }

        if (item.Children.Length == 0 || item.Value is not null || AreListItems(item.Children))
        {
            Fault(item.Path, "an entry of a list is an address, or an object with the members"
                + $" {string.Join(", ", ConfiguredEntry.Members)}; neither null nor a list");
            return null;
        }

        CheckMembers(item, "an entry", ConfiguredEntry.Members);
        bool hasIp = TryReadScalar(item, nameof(ConfiguredEntry.Ip), out string path, out string? ip);
        if (hasIp && ip is null)
        {
            Fault(path, "the address is missing; write the address that the entry is for");
        }

        string note = ReadNote(item);
        DateTimeOffset? expiresAt = ReadExpiresAt(item);
        return hasIp && ip is not null ? new ConfiguredEntry(path, ip, note, expiresAt) : null;
    }

    // Faults of a note do not repeat it: it may be a raw key.
    private string ReadNote(ConfigurationNode entry)
    {
        if (!TryReadScalar(entry, nameof(ConfiguredEntry.Note), out string path, out string? text) || text is null)
        {
            return "";
        }

        if (!KeyNameRules.TryReadNote(text, keyPrefix: "", out string note, out string? fault))
        {
            Fault(path, $"a note {fault}");
        }

        return note;
    }

    /// <summary>The notes of entries by their canonical text; of one address, only one can be meant.</summary>
    private Dictionary<string, string> ReadNotes(ConfiguredEntry[] entries)
    {
        var notes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ConfiguredEntry entry in entries)
        {
            IpAddressSet.TryParseEntry(entry.Ip, _rules.Ranges, out string? canonical, out _);
            if (!notes.TryAdd(canonical!, entry.Note) && notes[canonical!] != entry.Note)
            {
                Fault(entry.Path, $"{PrintableText.Quote(entry.Ip)} is listed with two notes, or once without one; list it once");
            }
        }

        return notes.Where(note => note.Value.Length > 0).ToDictionary();
    }

    private string[] ReadScopes(ConfigurationNode key)
    {
        ConfigurationNode section = key.Child(nameof(ApiKey.Scopes));
        ConfigurationNode[] items = ReadList(section, faultIfMissing: null, mayBeEmpty: true) ?? [];
        foreach (ConfigurationNode item in items.Where(item => item.Value is null || item.Children.Length > 0))
        {
            Fault(item.Path, "an entry of a list is one text, neither null nor an object");
        }

        string[] scopes = [.. items.Select(item => item.Value).OfType<string>()];
        for (int index = 0; index < scopes.Length; index++)
        {
            if (_rules.Scopes.FaultOf(scopes[index]) is { } fault)
            {
                Fault($"{section.Path}:{index}", fault);
            }
        }

        return scopes;
    }

    /// <summary>Reads the expiry of a key or an entry. One in the past is legal.</summary>
    private DateTimeOffset? ReadExpiresAt(ConfigurationNode section)
    {
        if (!TryReadScalar(section, nameof(ApiKey.ExpiresAt), out string path, out string? text) || text is null)
        {
            return null;
        }

        if (InstantText.TryParse(text, out DateTimeOffset end))
        {
            return end;
        }

        Fault(path, $"{PrintableText.Quote(text)} is not an instant; write one such as 2027-01-31T00:00:00Z");
        return null;
    }

    private AllowlistMode ReadAllowlistMode(ConfigurationNode key)
    {
        if (!TryReadScalar(key, nameof(ApiKey.AllowlistMode), out string path, out string? text) || text is null)
        {
            return AllowlistMode.Enforce;
        }

        // Enum.TryParse would also accept numbers.
        foreach (AllowlistMode mode in Enum.GetValues<AllowlistMode>())
        {
            if (text.Equals(mode.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                return mode;
            }
        }

        Fault(path, $"{PrintableText.Quote(text)} is not a mode; write {string.Join(" or ", Enum.GetNames<AllowlistMode>())}");
        return AllowlistMode.Enforce;
    }

    private void CheckDemo(ConfigurationNode key)
    {
        if (!TryReadScalar(key, "Demo", out string path, out string? text) || text is null)
        {
            return;
        }

        if (!bool.TryParse(text, out bool isDemo))
        {
            Fault(path, $"{PrintableText.Quote(text)} is neither true nor false");
        }
        else if (isDemo && !_isDevelopment)
        {
            Fault(path, "this is a demo key, whose raw key is public; outside Development remove it and create your own keys");
        }
    }

    /// <summary>Reads a single text; null if there is none. False, with a fault, if there is something else.</summary>
    private bool TryReadScalar(ConfigurationNode parent, string member, out string path, out string? text)
    {
        ConfigurationNode section = parent.Child(member);
        path = section.Path;
        text = section.Value;
        bool isEmptyList = text?.Length == 0 && section.Sources.Any(source => _files.HasEmptyArray(source, section.Path));
        bool isAbsentOrText = section.Sources.Count == 0 || (text is not null && !isEmptyList);
        if (!isAbsentOrText || section.Children.Length > 0)
        {
            Fault(path, "a single value belongs here, neither a list nor an object nor null; leave the member out if it has none");
            return false;
        }

        return true;
    }

    /// <summary>Reads the items of a list. Null if it is missing (which may be a fault) or, with a fault, malformed.</summary>
    private ConfigurationNode[]? ReadList(ConfigurationNode section, string? faultIfMissing, bool mayBeEmpty)
    {
        IReadOnlyList<IConfigurationProvider> sources = section.Sources;
        if (sources.Count == 0)
        {
            if (faultIfMissing is not null)
            {
                Fault(section.Path, faultIfMissing);
            }

            return null;
        }

        if (sources.Count > 1 && !IsOneListRepeated(section))
        {
            Fault(section.Path, $"the list comes from {string.Join(" and from ", sources.Select(source => source.ToString()))},"
                + " which would merge by index; keep it in one of them");
            return null;
        }

        ConfigurationNode[] items = section.Children;
        if (items.Length == 0)
        {
            if (_files.HasEmptyArray(sources[0], section.Path))
            {
                return [];
            }

            Fault(section.Path, section.Value switch
            {
                null => $"null is no list; write the list{(mayBeEmpty ? ", [] for an empty one" : "")}",
                "" => $"an empty text is no list; write {(mayBeEmpty ? "[]" : "the list")} in a JSON file (this comes from {sources[0]})",
                _ => $"{PrintableText.Quote(section.Value)} is a single value where a list belongs; write [\"…\"]",
            });
            return null;
        }

        if (section.Value is not null || !AreListItems(items))
        {
            Fault(section.Path, "a list belongs here, numbered from 0 without gaps, not an object");
            return null;
        }

        return items;
    }

    /// <summary>
    /// Whether all sources of a list have the same entries, so that nothing mixes: the default host reads the command line twice. Files
    /// count as different, because an edit of one would make them so.
    /// </summary>
    public static bool IsOneListRepeated(ConfigurationNode list) =>
        !list.Sources.OfType<FileConfigurationProvider>().Any()
        && PathsOf(list).All(
            path => list.Sources.Select(source => (source.TryGet(path, out string? value), value)).Distinct().Count() == 1);

    public static bool AreListItems(ConfigurationNode[] items) =>
        items.Index().All(item => item.Item.Key == item.Index.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<string> PathsOf(ConfigurationNode node) => node.Children.SelectMany(PathsOf).Prepend(node.Path);

    private void Fault(string path, string message) => _faults.Add($"{path}: {message}");
}
