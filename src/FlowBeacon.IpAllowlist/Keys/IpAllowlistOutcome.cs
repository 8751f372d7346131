namespace FlowBeacon.IpAllowlist;

/// <summary>The result of the check for one request.</summary>
public enum IpAllowlistOutcome
{
    /// <summary>
    /// A valid key from an address that is not on its list, or from no usable address: 403. The default value, so that a missing
    /// assignment never allows.
    /// </summary>
    Denied = 0,

    /// <summary>A valid key from an address on its list.</summary>
    Allowed = 1,

    /// <summary>A valid key without a list.</summary>
    Unrestricted = 2,

    /// <summary>No key, or a credential of another scheme. The request passes on unless a key is required.</summary>
    NoKey = 3,

    /// <summary>
    /// An unknown, expired, disabled or revoked key of ours, or several credentials at once: 401. Also a credential that the store cannot
    /// look up at the moment (<see cref="ApiKeyStoreUnavailableException"/>): 503.
    /// </summary>
    InvalidKey = 4,

    /// <summary>
    /// A valid key that would be denied if its list were enforced, see <see cref="AllowlistMode.ReportOnly"/>. The request passes on.
    /// </summary>
    WouldDeny = 5,
}
