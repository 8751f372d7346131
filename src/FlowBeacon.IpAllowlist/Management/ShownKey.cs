namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A raw key that a caller showed, by its hash alone; null for a text that no raw key can be. The text is kept nowhere.</summary>
internal sealed class ShownKey(ApiKeyHash? hash)
{
    /// <summary>Whether it is a secret of a key that works now.</summary>
    public bool IsWorkingSecretOf(ApiKey key, TimeProvider time) => hash is { } secret && key.Accepts(secret, time);
}
