using System.Net;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The traffic of the keys: which addresses were denied and why, and which passed. It is the only source for the lock-out guard, recovery,
/// suggestions and the management API.
/// </summary>
/// <remarks>
/// <para>
/// The default covers only this process since its start, and completes synchronously. To use the traffic of several nodes, register an
/// implementation as a singleton that adds up what each node took from its <see cref="LocalTraffic"/>. The request path never calls it.
/// </para>
/// <para>
/// An implementation that cannot answer throws, and must not answer that nothing was seen. Key administration waits for an answer at most 5
/// seconds. An edit that the guard must judge, and a recovery, are then not made (503 <c>Traffic unavailable</c>), unless the risk is
/// accepted or the key is shown.
/// </para>
/// </remarks>
public interface IApiKeyTraffic
{
    /// <summary>Reads recent denials and report-only denials: one item for each key, address and reason.</summary>
    /// <param name="query">The filter, the order and the position.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>A page of them. Denials between the reading of two pages may move rows, so that a row is missed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    /// <exception cref="FormatException"><see cref="DenialQuery.After"/> is not from an earlier page.</exception>
    ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken);

    /// <summary>Reads exact numbers of denials.</summary>
    /// <param name="keyId">Only this key's; null for those of all keys whose denials are held.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The numbers.</returns>
    ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken);

    /// <summary>Reads where a key was used from successfully.</summary>
    /// <param name="keyId">The key's id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The sources; none for a key that is unknown or was not used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="keyId"/> is null.</exception>
    ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken);

    /// <summary>Reads when keys were last used successfully, and from where.</summary>
    /// <param name="keyIds">The keys' ids.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>
    /// For each key's id the source that was last seen, to the second; one without an address for a use that had none. A key that was not
    /// used, or whose uses are no longer remembered, is not among them.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="keyIds"/> is null.</exception>
    ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken);

    /// <summary>Reads when secrets of keys in the grace period of a rotation were last used successfully, and from where.</summary>
    /// <param name="secrets">The hashes of the secrets.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>For each secret its last use as <see cref="TrafficChanges.Secrets"/> tell it; without those that have none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="secrets"/> is null.</exception>
    ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
        IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a key was denied from an address because the address is not on its list, which recovery requires. Report-only denials, those
    /// at the health endpoint and those for other reasons do not count.
    /// </summary>
    /// <param name="keyId">The key's id.</param>
    /// <param name="clientIp">The address; an IPv4 address and its IPv4-mapped form are the same.</param>
    /// <param name="since">The earliest instant that counts, to the second.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>True if such a denial is recorded.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    ValueTask<bool> WasDeniedAsync(string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken);
}
