namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A raw key that a caller presented, kept as its hash only; null for a text that cannot be a raw key.</summary>
internal sealed class PresentedKey(ApiKeyHash? hash)
{
    /// <summary>The hash; the default value, which is none of a raw key's, if the text cannot be one.</summary>
    public ApiKeyHash Hash => hash ?? default;
}
