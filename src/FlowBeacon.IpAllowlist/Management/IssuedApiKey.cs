namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key whose secret was just made: the only time its raw text is available.</summary>
/// <param name="details">The key.</param>
/// <param name="rawKey">The raw key.</param>
public sealed class IssuedApiKey(ApiKeyDetails details, string rawKey)
{
    /// <summary>The key.</summary>
    public ApiKeyDetails Details { get; } = details;

    /// <summary>The raw key: show it once, keep it nowhere.</summary>
    public string RawKey { get; } = rawKey;

    /// <summary>The key without its raw text.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => $"{nameof(IssuedApiKey)} of {Details.Key}";
}
