namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A store whose lookups a test sets.</summary>
internal sealed class ScriptedStore(Func<ApiKeyHash, CancellationToken, ValueTask<ApiKey?>> find) : IApiKeyStore
{
    private int _lookups;

    public int Lookups => _lookups;

    public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lookups);
        return find(hash, cancellationToken);
    }
}
