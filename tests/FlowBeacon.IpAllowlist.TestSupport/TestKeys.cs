namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Raw keys and the records that belong to them.</summary>
internal static class TestKeys
{
    public const string Restricted = "fb_live_111111111111111111111111111111111111111111111111";
    public const string Unrestricted = "fb_live_222222222222222222222222222222222222222222222222";
    public const string Expired = "fb_live_333333333333333333333333333333333333333333333333";
    public const string Revoked = "fb_live_444444444444444444444444444444444444444444444444";
    public const string Unknown = "fb_live_555555555555555555555555555555555555555555555555";

    public static ApiKey Create(string rawKey, string id, params string[] allowedIps) => new()
    {
        Id = id,
        Hash = ApiKeyHash.Compute(rawKey),
        Prefix = rawKey[..Math.Min(rawKey.Length, ApiKey.PrefixLength)],
        AllowedIps = IpAddressSet.Parse(allowedIps),
    };

    /// <summary>A store with one key of each kind; the restricted one allows the given addresses.</summary>
    public static InMemoryApiKeyStore Store(params string[] allowedIps)
    {
        var store = new InMemoryApiKeyStore();
        store.Set(Create(Restricted, "restricted", allowedIps));
        store.Set(Create(Unrestricted, "unrestricted"));
        store.Set(new ApiKey
        {
            Id = "expired",
            Hash = ApiKeyHash.Compute(Expired),
            AllowedIps = IpAddressSet.Empty,
            ExpiresAt = DateTimeOffset.UnixEpoch,
        });
        store.Set(new ApiKey { Id = "revoked", Hash = ApiKeyHash.Compute(Revoked), AllowedIps = IpAddressSet.Empty, IsRevoked = true });
        return store;
    }
}
