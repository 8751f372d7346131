using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>The value of the configuration at one path, and the providers that have values there or below it.</summary>
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

    /// <summary>The providers that have values here or below, in the order in which they override each other.</summary>
    public IReadOnlyList<IConfigurationProvider> Sources => _sources;

    /// <summary>The nodes below that have values, in the framework's order: by name, numbers by their value.</summary>
    public ConfigurationNode[] Children => _children is null
        ? []
        : [.. _children.Values.Where(child => child.Sources.Count > 0).OrderBy(child => child.Key, ConfigurationKeyComparer.Instance)];

    /// <summary>The node of a name below this one, with or without values.</summary>
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

    /// <summary>Adds a provider that has values here or below. All values of one provider are added before the next one's.</summary>
    public void AddSource(IConfigurationProvider provider)
    {
        for (ConfigurationNode? node = this; node is not null && node._sources.LastOrDefault() != provider; node = node._parent)
        {
            node._sources.Add(provider);
        }
    }

    /// <summary>
    /// Sets a provider's value, which overrides those of earlier providers. The provider's values below are set first: an empty text beside
    /// them is not a value, unless it comes from a file. WebApplicationFactory.UseSetting() makes such texts.
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
