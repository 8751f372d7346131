namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Whether a key works.</summary>
public enum ApiKeyState
{
    /// <summary>It works.</summary>
    Active = 0,

    /// <summary>Its expiry has passed. A later expiry makes it work again.</summary>
    Expired = 1,

    /// <summary>It was disabled, whether or not it is expired as well. It works again when it is enabled.</summary>
    Disabled = 2,

    /// <summary>It was revoked, which is final.</summary>
    Revoked = 3,
}
