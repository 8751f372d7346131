namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Where changes of keys are committed; requests look keys up in the <see cref="IApiKeyStore"/>. Register your own as a singleton; it is
/// called concurrently.
/// </summary>
public interface IApiKeyRepository
{
    /// <summary>
    /// Commits a change: every key and every audit entry of it, or nothing. A repository that hands its entries to an
    /// <see cref="IAuditLog"/> must bound its waiting by <see cref="ApiKeyChange.AuditTimeout"/>, honour
    /// <see cref="ApiKeyChange.AcceptMissingAudit"/>, and replace an entry that is recorded after a refusal by one whose detail says so.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The repository's new revision: greater than every earlier one.</returns>
    /// <exception cref="ApiKeyConflictException">A version is stale, a name or a hash is taken. Nothing was written.</exception>
    /// <exception cref="AuditUnavailableException">The entries could not be appended, or not in time. Nothing was written.</exception>
    ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken);

    /// <summary>Gets a key by its id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key, revoked and expired ones included; null if there is none.</returns>
    ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken);

    /// <summary>Finds the key that has a name and is not revoked.</summary>
    /// <param name="name">The name in composed form (NFC), as names are kept; compared without case.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key; null if there is none.</returns>
    ValueTask<ApiKeyDetails?> FindByNameAsync(string name, CancellationToken cancellationToken);

    /// <summary>Lists keys in the ordinal order of their ids.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>At most <see cref="ApiKeyQuery.Limit"/> keys.</returns>
    ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyQuery query, CancellationToken cancellationToken);
}
