namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>The keys from configuration that are in force.</summary>
internal sealed class ConfigurationKeys
{
    private volatile IReadOnlyDictionary<string, ApiKey> _byId = new Dictionary<string, ApiKey>();

    /// <summary>The keys by id; replaced as a whole.</summary>
    public IReadOnlyDictionary<string, ApiKey> ById
    {
        get => _byId;
        set => _byId = value;
    }
}
