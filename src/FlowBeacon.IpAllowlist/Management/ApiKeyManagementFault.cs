namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Why key administration was refused.</summary>
public enum ApiKeyManagementFault
{
    /// <summary>The input breaks a rule; see <see cref="ApiKeyManagementException.Errors"/>.</summary>
    Invalid = 0,

    /// <summary>There is no such key.</summary>
    NotFound = 1,

    /// <summary>It conflicts with the state of a key or its traffic; see <see cref="ApiKeyManagementException.Code"/>.</summary>
    Conflict = 2,

    /// <summary>The key was changed since the caller read it.</summary>
    StaleVersion = 3,

    /// <summary>
    /// Addresses in use would or may be denied, or an old secret in use would stop working, see
    /// <see cref="ApiKeyManagementException.LockoutRisk"/>, and the request does not accept that.
    /// </summary>
    LockoutRisk = 4,

    /// <summary>The audit log failed or did not answer in time, and every change needs a record.</summary>
    AuditUnavailable = 5,

    /// <summary>
    /// The recorded traffic of the key (<see cref="IApiKeyTraffic"/>) could not be read, or not in time, and the request depends on it.
    /// </summary>
    TrafficUnavailable = 6,
}
