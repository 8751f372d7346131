namespace FlowBeacon.IpAllowlist;

/// <summary>In which order denials are read. Rows that are equal in it have an order of their own, so that pages fit together.</summary>
public enum DenialOrder
{
    /// <summary>The last denied first.</summary>
    LastSeen = 0,

    /// <summary>The most often denied first.</summary>
    Count = 1,
}
