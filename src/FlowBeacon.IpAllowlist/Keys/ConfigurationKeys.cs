namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>The configured keys that are in force.</summary>
internal sealed class ConfigurationKeys
{
    private volatile IReadOnlyDictionary<string, ConfiguredKey> _byId = new Dictionary<string, ConfiguredKey>();

    /// <summary>The keys by id; replaced as a whole.</summary>
    public IReadOnlyDictionary<string, ConfiguredKey> ById
    {
        get => _byId;
        set => _byId = value;
    }
}
