namespace FlowBeacon.IpAllowlist;

/// <summary>
/// When one of the two secrets of a rotation was last used successfully, and from where. It is recorded during the grace period alone:
/// otherwise a key has one secret, and its last use is that of the key.
/// </summary>
public sealed record SecretUse
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>The hash of the secret.</summary>
    public required ApiKeyHash Secret { get; init; }

    /// <summary>The client address in canonical text; null for a use without a usable address.</summary>
    public required string? ClientIp { get; init; }

    /// <summary>When it was last used, to the second.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>The key's id, the address and the time, never the hash.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => $"{nameof(SecretUse)} {KeyId} from {ClientIp ?? "no usable address"} at {LastSeen:u}";
}
