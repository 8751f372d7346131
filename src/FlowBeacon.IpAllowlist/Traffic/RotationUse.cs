namespace FlowBeacon.IpAllowlist;

/// <summary>When each of the two secrets of a rotation was last used successfully, and from where.</summary>
public sealed record RotationUse
{
    /// <summary>The last use of the old secret, before the rotation or since; null if none is known.</summary>
    public required SecretUse? Old { get; init; }

    /// <summary>The last use of the new secret; null if none is known.</summary>
    public required SecretUse? Replacement { get; init; }
}
