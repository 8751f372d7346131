namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Where changes of keys are committed; requests look keys up in the <see cref="IApiKeyStore"/>. Register your own as a singleton; it is
/// called concurrently.
/// </summary>
/// <remarks>
/// A stored list that cannot be read, in whole or in part, is read as <see cref="IpAddressSet.Unreadable"/>: never as a part of it, and
/// never as <see cref="IpAddressSet.Empty"/>, which would admit every address. Such a key is denied from everywhere, is listed like any
/// other, and can be changed, say renamed or revoked. Where a <see cref="ApiKeyWrite"/> of an existing key has
/// <see cref="IpAddressSet.Unreadable"/>, the change does not touch the list: the repository leaves the stored text as it is, so that
/// people can repair it, and writes everything else. A new key with it is refused (<see cref="ArgumentException"/>): there is no text to
/// keep. Any other list, an empty one included, replaces what is stored.
/// </remarks>
public interface IApiKeyRepository
{
    /// <summary>
    /// Commits a change: every key and every audit entry of it, or nothing. A repository that hands its entries to an
    /// <see cref="IAuditLog"/> must bound its waiting by <see cref="ApiKeyChange.AuditTimeout"/>, honour
    /// <see cref="ApiKeyChange.AcceptMissingAudit"/>, and replace an entry that is recorded after a refusal as <see
    /// cref="IAuditLog.AppendAsync"/> says.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>
    /// The repository's new revision: greater than every earlier one. It becomes the <see cref="ApiKeyDetails.Revision"/> of every key of
    /// the change.
    /// </returns>
    /// <exception cref="ApiKeyConflictException">
    /// A version is stale, an id, a name or a hash is taken. Nothing was written. If a key that must not exist yet exists, <see
    /// cref="ApiKeyConflict.StaleVersion"/> is reported before any other conflict.
    /// </exception>
    /// <exception cref="AuditUnavailableException">The entries could not be appended, or not in time. Nothing was written.</exception>
    ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken);

    /// <summary>Gets a key by its id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key, revoked and expired ones included; null if there is none.</returns>
    ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken);

    /// <summary>Lists keys in the ordinal order of their ids.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="now">The instant that states are determined at.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>At most <see cref="ApiKeyQuery.Limit"/> keys.</returns>
    ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Counts keys by their states.</summary>
    /// <param name="query">Which ones, by name and prefix.</param>
    /// <param name="now">The instant that states are determined at.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The numbers.</returns>
    ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken);
}
