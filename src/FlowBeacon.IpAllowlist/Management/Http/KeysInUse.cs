namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>What is known of the use of several keys.</summary>
/// <param name="LastUsed">The last use, by the id of the key.</param>
/// <param name="Rotations">The last uses of both secrets of those in a grace period, by the id of the key.</param>
internal sealed record KeysInUse(
    IReadOnlyDictionary<string, SourceSeen> LastUsed, IReadOnlyDictionary<string, RotationUse> Rotations)
{
    public static async ValueTask<KeysInUse> ReadAsync(
        IApiKeyTraffic traffic, IReadOnlyList<ApiKeyDetails> keys, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ApiKey[] rotated = [.. keys.Select(details => details.Key).Where(key => now < key.Retiring?.ExpiresAt && !key.IsRevoked)];
        return new KeysInUse(
            await traffic.ReadLastUsedAsync([.. keys.Select(details => details.Key.Id)], cancellationToken),
            await traffic.ReadRotationUseAsync(rotated, cancellationToken));
    }
}
