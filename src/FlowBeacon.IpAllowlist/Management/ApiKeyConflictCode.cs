namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Why key administration reports a conflict: the <c>code</c> of a 409, in snake case. The message is for people and may change.
/// </summary>
public enum ApiKeyConflictCode
{
    /// <summary>A key with this id already exists.</summary>
    IdTaken = 0,

    /// <summary>Another key that is not revoked has the name, in any case.</summary>
    NameTaken = 1,

    /// <summary>The key is revoked, which is final.</summary>
    KeyRevoked = 2,

    /// <summary>The key is disabled; enable it first.</summary>
    KeyDisabled = 3,

    /// <summary>The key is expired; set a later expiry first.</summary>
    KeyExpired = 4,

    /// <summary>The key comes from configuration and can only be changed there.</summary>
    KeyFromConfiguration = 5,

    /// <summary>The key is in the grace period of a rotation.</summary>
    InGracePeriod = 6,

    /// <summary>The key is not in the grace period of a rotation.</summary>
    NotInGracePeriod = 7,

    /// <summary>The key's stored list cannot be read.</summary>
    UnreadableList = 8,

    /// <summary>The key has no list, so there is nothing to recover.</summary>
    NoList = 9,

    /// <summary>The address is already on the key's list.</summary>
    AddressListed = 10,

    /// <summary>The client address of the recovery request is unknown.</summary>
    AddressUnknown = 11,

    /// <summary>
    /// There is no evidence for a recovery: the key was not recently denied from the address, and the request does not contain it.
    /// </summary>
    NotDenied = 12,

    /// <summary>The key was recovered within the last hour.</summary>
    RecoveredRecently = 13,

    /// <summary>Addresses in use would or may be denied (<see cref="ApiKeyManagementFault.LockoutRisk"/>).</summary>
    LockoutRisk = 14,

    /// <summary>
    /// The old secret of a rotation was used within the last hour (<see cref="ApiKeyManagementFault.LockoutRisk"/>).
    /// </summary>
    OldSecretInUse = 15,
}
