namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What an audit entry records.</summary>
public enum AuditAction
{
    /// <summary>A key was created.</summary>
    Create = 0,

    /// <summary>A key's name, description, list, mode, scopes or expiry was changed.</summary>
    Update = 1,

    /// <summary>A key got a new secret.</summary>
    Rotate = 2,

    /// <summary>The grace period of an old secret was ended early.</summary>
    EndGrace = 3,

    /// <summary>A key was revoked.</summary>
    Revoke = 4,

    /// <summary>A break-glass key allowed its own address for a locked-out key.</summary>
    Recover = 5,

    /// <summary>Key administration was refused to a caller.</summary>
    Refused = 6,

    /// <summary>A break-glass key was used, see <see cref="AuditEntry.Detail"/>. A refused use is <see cref="Refused"/>.</summary>
    BreakGlassUse = 7,

    /// <summary>A key was disabled. The same update may have changed more of it.</summary>
    Disable = 8,

    /// <summary>A disabled key was enabled. The same update may have changed more of it.</summary>
    Enable = 9,
}
