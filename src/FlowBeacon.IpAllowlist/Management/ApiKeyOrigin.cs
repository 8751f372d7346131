namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Where a key is kept.</summary>
public enum ApiKeyOrigin
{
    /// <summary>In the repository: it can be changed here.</summary>
    Repository = 0,

    /// <summary>In the configuration: it is changed there, and only there.</summary>
    Configuration = 1,
}
