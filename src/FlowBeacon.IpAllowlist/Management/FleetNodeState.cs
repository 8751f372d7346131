namespace FlowBeacon.IpAllowlist.Management;

/// <summary>How a node of a fleet stands.</summary>
public enum FleetNodeState
{
    /// <summary>It has not been heard of for longer than it should. It may serve requests all the same, with older keys.</summary>
    Silent = 0,

    /// <summary>Its requests see an older revision than the last committed one, or it has no keys yet.</summary>
    Behind = 1,

    /// <summary>Its requests see the last committed revision.</summary>
    UpToDate = 2,
}
