namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A raw key that a caller presented, kept as its hash only; null for a text that cannot be a raw key.</summary>
internal sealed class PresentedKey(ApiKeyHash? hash)
{
    /// <summary>Whether it is a secret of a key that works now.</summary>
    public bool IsWorkingSecretOf(ApiKey key, TimeProvider time) => hash is { } secret && key.Accepts(secret, time);
}
