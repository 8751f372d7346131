namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What kind of caller makes a change.</summary>
public enum ApiKeyActorKind
{
    /// <summary>A caller without credentials.</summary>
    Anonymous = 0,

    /// <summary>A signed-in person.</summary>
    User = 1,

    /// <summary>An API key.</summary>
    Key = 2,

    /// <summary>The application itself.</summary>
    Application = 3,
}
