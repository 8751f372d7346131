using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>What the configuration providers say at one path, and which of them say something there or below it.</summary>
internal sealed class ConfigurationNode
{
    private readonly ConfigurationNode? _parent;
    private readonly List<IConfigurationProvider> _sources = [];
    private Dictionary<string, ConfigurationNode>? _children;

    public ConfigurationNode(string path) => Path = path;

    private ConfigurationNode(ConfigurationNode parent, string name)
        : this(ConfigurationPath.Combine(parent.Path, name)) => _parent = parent;

    public string Path { get; }

    public string Key => ConfigurationPath.GetSectionKey(Path);

    /// <summary>The value of the last provider that has one here, which may be null.</summary>
    public string? Value { get; private set; }

    /// <summary>The providers that say something here or below, in the order in which they override each other.</summary>
    public IReadOnlyList<IConfigurationProvider> Sources => _sources;

    /// <summary>The nodes below at which a provider says something, in the framework's order: by name, numbers by their value.</summary>
    public ConfigurationNode[] Children => _children is null
        ? []
        : [.. _children.Values.Where(child => child.Sources.Count > 0).OrderBy(child => child.Key, ConfigurationKeyComparer.Instance)];

    /// <summary>The node of a name below this one, whether or not a provider says something there.</summary>
    public ConfigurationNode Child(string name)
    {
        _children ??= new Dictionary<string, ConfigurationNode>(StringComparer.OrdinalIgnoreCase);
        if (!_children.TryGetValue(name, out ConfigurationNode? child))
        {
            child = new ConfigurationNode(this, name);
            _children.Add(name, child);
        }

        return child;
    }

    /// <summary>Notes that a provider says something here. All that one provider says is noted before the next one's.</summary>
    public void AddSource(IConfigurationProvider provider)
    {
        for (ConfigurationNode? node = this; node is not null && node._sources.LastOrDefault() != provider; node = node._parent)
        {
            node._sources.Add(provider);
        }
    }

    /// <summary>
    /// Takes a provider's value, which overrides those of the providers before it. What the provider says below is noted first: an empty
    /// text beside it is no value, unless somebody wrote it into a file. WebApplicationFactory.UseSetting() makes such texts.
    /// </summary>
    public void SetValue(IConfigurationProvider provider, string? value)
    {
        AddSource(provider);
        if (value?.Length != 0 || provider is FileConfigurationProvider || !Children.Any(child => child._sources[^1] == provider))
        {
            Value = value;
        }
    }
}
