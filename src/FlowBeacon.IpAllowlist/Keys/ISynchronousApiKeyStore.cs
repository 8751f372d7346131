namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Synchronous lookups, for a store that answers from this process's memory. They are used in place of <see cref="IApiKeyStore"/>, so that
/// a request allocates nothing. Neither member may block or do I/O. Any other exception of <see cref="Find"/> ends the request
/// as a server error, and is counted as a failure of the store.
/// </summary>
public interface ISynchronousApiKeyStore
{
    /// <summary>The number of keys, expired, disabled and revoked ones included.</summary>
    int Count { get; }

    /// <summary>Finds the key that a hash belongs to.</summary>
    /// <param name="hash">The hash of the presented credential.</param>
    /// <returns>The key, or null if the hash is unknown.</returns>
    /// <exception cref="ApiKeyStoreUnavailableException">
    /// The store has no keys yet, or they may be out of date: the request gets 503 with the time to wait.
    /// </exception>
    ApiKey? Find(ApiKeyHash hash);
}
