namespace FlowBeacon.IpAllowlist;

/// <summary>Why a commit was refused.</summary>
public enum ApiKeyConflict
{
    /// <summary>A key is no longer at the version it was read at, or exists already.</summary>
    StaleVersion = 0,

    /// <summary>Another key that is not revoked has the same name (compared without case).</summary>
    NameTaken = 1,

    /// <summary>Another key has the same secret.</summary>
    HashTaken = 2,
}
