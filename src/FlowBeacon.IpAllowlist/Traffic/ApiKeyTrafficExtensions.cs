using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist;

/// <summary>Queries that combine the keys' traffic.</summary>
public static class ApiKeyTrafficExtensions
{
    /// <summary>Suggests a list for a key from where it was used from.</summary>
    /// <param name="traffic">The traffic.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="window">How far to look back.</param>
    /// <param name="time">The time to look back from.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The suggestion.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="window"/> is not positive.</exception>
    public static async ValueTask<AllowlistSuggestion> SuggestAllowlistAsync(
        this IApiKeyTraffic traffic, string keyId, TimeSpan window, TimeProvider time, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(traffic);
        ArgumentNullException.ThrowIfNull(keyId);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        ApiKeySources seen = await traffic.ReadSourcesAsync(keyId, cancellationToken);
        return SuggestionRules.Suggest(seen, window, time.GetUtcNow());
    }

    /// <summary>Reads when each of the two secrets of keys in a rotation was last used.</summary>
    /// <param name="traffic">The traffic.</param>
    /// <param name="keys">The keys; those without an old secret (<see cref="ApiKey.Retiring"/>) are left out.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>For each id of a key with an old secret, the last use of both.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static async ValueTask<IReadOnlyDictionary<string, RotationUse>> ReadRotationUseAsync(
        this IApiKeyTraffic traffic, IReadOnlyCollection<ApiKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(traffic);
        ArgumentNullException.ThrowIfNull(keys);
        ApiKey[] rotated = [.. keys.Where(key => key.Retiring is not null)];
        if (rotated.Length == 0)
        {
            return new Dictionary<string, RotationUse>();
        }

        // In this order: a first use of the new secret in between must not be taken for a use of the old one.
        IReadOnlyDictionary<string, SourceSeen> lastUsed =
            await traffic.ReadLastUsedAsync([.. rotated.Select(key => key.Id)], cancellationToken);
        IReadOnlyDictionary<ApiKeyHash, SecretUse> secrets =
            await traffic.ReadSecretsLastUsedAsync([.. rotated.SelectMany(key => key.Hashes)], cancellationToken);
        return rotated.ToDictionary(key => key.Id, key => new RotationUse
        {
            Old = OldUseOf(key, secrets, lastUsed.GetValueOrDefault(key.Id)),
            Replacement = secrets.GetValueOrDefault(key.Hash),
        });
    }

    private static SecretUse? OldUseOf(ApiKey rotated, IReadOnlyDictionary<ApiKeyHash, SecretUse> secrets, SourceSeen? lastUsed)
    {
        ApiKeyHash old = rotated.Retiring!.Hash;
        SecretUse? recorded = secrets.GetValueOrDefault(old);

        // Until the new secret is used, every use of the key is a use of the old one. The recorded use of the old secret may be earlier:
        // it may be from the previous rotation, when it was the new secret.
        return lastUsed is not null && !secrets.ContainsKey(rotated.Hash) && !(lastUsed.LastSeen <= recorded?.LastSeen)
            ? new() { KeyId = rotated.Id, Secret = old, ClientIp = lastUsed.ClientIp, LastSeen = lastUsed.LastSeen }
            : recorded;
    }
}
