namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The state of a node of a fleet.</summary>
public enum FleetNodeState
{
    /// <summary>Its last report is overdue. It may still serve requests, with older keys.</summary>
    Silent = 0,

    /// <summary>Its requests see an older revision than the last committed one, or it has no keys yet.</summary>
    Behind = 1,

    /// <summary>Its requests see the last committed revision.</summary>
    UpToDate = 2,
}
