namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Reads traffic that answers at once, as that of this process does.</summary>
internal static class TrafficReading
{
    public static IReadOnlyList<Denial> ReadDenials(this IApiKeyTraffic traffic, DenialQuery query) => traffic.ReadPage(query).Denials;

    public static DenialPage ReadPage(this IApiKeyTraffic traffic, DenialQuery query) => Result(traffic.ReadDenialsAsync(query, default));

    public static DenialTotals ReadTotals(this IApiKeyTraffic traffic, string? keyId) => Result(traffic.ReadTotalsAsync(keyId, default));

    public static ApiKeySources ReadSources(this IApiKeyTraffic traffic, string keyId) => Result(traffic.ReadSourcesAsync(keyId, default));

    public static IReadOnlyDictionary<string, SourceSeen> ReadLastUsed(this IApiKeyTraffic traffic, params string[] keyIds) =>
        Result(traffic.ReadLastUsedAsync(keyIds, default));

    public static SecretUse? ReadLastUse(this IApiKeyTraffic traffic, ApiKeyHash secret) =>
        Result(traffic.ReadSecretsLastUsedAsync([secret], default)).GetValueOrDefault(secret);

    public static RotationUse? ReadRotationUse(this IApiKeyTraffic traffic, ApiKey key) =>
        Result(traffic.ReadRotationUseAsync([key])).GetValueOrDefault(key.Id);

    public static AllowlistSuggestion Suggest(this IApiKeyTraffic traffic, string keyId, TimeSpan window, TimeProvider time) =>
        Result(traffic.SuggestAllowlistAsync(keyId, window, time));

    private static T Result<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
}
