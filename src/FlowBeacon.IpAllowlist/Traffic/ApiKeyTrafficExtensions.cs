using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist;

/// <summary>Conclusions from the keys' traffic.</summary>
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
}
