namespace FlowBeacon.IpAllowlist;

/// <summary>Where the middleware looks keys up. Register your own as a singleton to replace <see cref="InMemoryApiKeyStore"/>.</summary>
public interface IApiKeyStore
{
    /// <summary>Finds the key that a hash belongs to, expired, disabled and revoked keys included.</summary>
    /// <param name="hash">The hash of the presented credential.</param>
    /// <param name="cancellationToken">Cancelled when the client goes away.</param>
    /// <returns>
    /// The key, or null if the hash is unknown. Completing synchronously saves an async state machine. An exception ends the
    /// request as a server error, never as allowed or unknown.
    /// </returns>
    /// <exception cref="ApiKeyStoreUnavailableException">
    /// The store has no keys yet, or they may be out of date: the request gets 503 with the time to wait.
    /// </exception>
    ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken);
}
