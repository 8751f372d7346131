using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Reads all keys, off the request path: those in memory, which may be put there in code, or else those of the repository.
/// </summary>
internal sealed class KeysInForce(IApiKeyStore store, Func<IApiKeyRepository?> repository, TimeProvider time)
{
    /// <summary>Whether they are in memory, so that reading them costs little.</summary>
    public bool AreInMemory => store is InMemoryApiKeyStore;

    /// <summary>Reads the keys, revoked ones included; none if they are neither in memory nor in a repository.</summary>
    public async IAsyncEnumerable<ApiKey> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (store is InMemoryApiKeyStore memory)
        {
            foreach (ApiKey key in memory.Keys)
            {
                yield return key;
            }
        }
        else if (repository() is { } kept)
        {
            IReadOnlyList<ApiKeyDetails> page;
            string? after = null;
            do
            {
                var query = new ApiKeyQuery { After = after, Limit = ApiKeyLimits.MaxPageSize };
                page = await kept.ListAsync(query, time.GetUtcNow(), cancellationToken);
                foreach (ApiKeyDetails details in page)
                {
                    yield return details.Key;
                }

                after = page.Count == 0 ? null : page[^1].Key.Id;
            }
            while (page.Count == ApiKeyLimits.MaxPageSize);
        }
    }
}
