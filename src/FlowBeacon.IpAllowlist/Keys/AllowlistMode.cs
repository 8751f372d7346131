namespace FlowBeacon.IpAllowlist;

/// <summary>The effect of a key's allowlist on a request from an address that is not on it.</summary>
public enum AllowlistMode
{
    /// <summary>The request is denied. The default, so that a missing setting admits no request.</summary>
    Enforce = 0,

    /// <summary>
    /// The request passes, and a denial is counted, recorded and logged as <c>would_deny</c>. A list that cannot be read
    /// (<see cref="IpAddressSet.Unreadable"/>) still denies.
    /// </summary>
    ReportOnly = 1,
}
