namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Where a key is kept.</summary>
public enum ApiKeyOrigin
{
    /// <summary>In the repository: it can be changed here.</summary>
    Repository = 0,

    /// <summary>In the configuration: it can only be changed there.</summary>
    Configuration = 1,
}
