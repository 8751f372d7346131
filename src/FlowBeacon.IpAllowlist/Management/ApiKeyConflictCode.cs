namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// What key administration conflicts with: the <c>code</c> of a 409, in snake case. The message beside it is for people and may change.
/// </summary>
public enum ApiKeyConflictCode
{
    /// <summary>There is a key with this id already.</summary>
    IdTaken = 0,

    /// <summary>Another key that is not revoked has the name, in any case.</summary>
    NameTaken = 1,

    /// <summary>The key is revoked, which is final.</summary>
    KeyRevoked = 2,

    /// <summary>The key is disabled; it can be enabled first.</summary>
    KeyDisabled = 3,

    /// <summary>The key is expired; it can get a later expiry first.</summary>
    KeyExpired = 4,

    /// <summary>The key comes from configuration, and is changed there.</summary>
    KeyFromConfiguration = 5,

    /// <summary>The key is in the grace period of a rotation.</summary>
    InGracePeriod = 6,

    /// <summary>The key is not in the grace period of a rotation.</summary>
    NotInGracePeriod = 7,

    /// <summary>The key's stored list cannot be read.</summary>
    UnreadableList = 8,

    /// <summary>The key has no list, so there is nothing to recover.</summary>
    NoList = 9,

    /// <summary>The address is on the key's list already.</summary>
    AddressListed = 10,

    /// <summary>The address that a recovery comes from is not known.</summary>
    AddressUnknown = 11,

    /// <summary>There is no evidence for a recovery: the key was not recently denied from the address, and was not shown.</summary>
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
