namespace FlowBeacon.IpAllowlist;

/// <summary>The order in which denials are read. Equal rows have a fixed order of their own, so that pages are consistent.</summary>
public enum DenialOrder
{
    /// <summary>The last denied first.</summary>
    LastSeen = 0,

    /// <summary>The most often denied first.</summary>
    Count = 1,
}
