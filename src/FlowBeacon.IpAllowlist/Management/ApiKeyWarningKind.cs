namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What a warning is about.</summary>
public enum ApiKeyWarningKind
{
    /// <summary>The list has an address that no client ever comes from (unspecified, multicast, broadcast, documentation).</summary>
    NeverAClient = 0,

    /// <summary>The list has the address of what looks like the host's own proxy.</summary>
    OwnProxy = 1,

    /// <summary>The key was given an expiry within 24 hours.</summary>
    ExpiresSoon = 2,

    /// <summary>The key's last scope was taken away.</summary>
    NoScopesLeft = 3,

    /// <summary>An entry lies within a range of the same list.</summary>
    Overlap = 4,

    /// <summary>An entry that is in use, and that no other entry replaces, expires within 24 hours.</summary>
    EntryExpiresInUse = 5,
}
