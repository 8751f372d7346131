namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A store that may not be ready, and reports that in one of the possible ways.</summary>
internal static class ReadyStore
{
    public static TheoryData<string> Ways => ["in memory", "synchronously", "with a failed task", "later"];

    /// <summary>Makes a store over some keys.</summary>
    /// <param name="way">How it reports that it is not ready.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="isReady">Called at each look-up.</param>
    /// <param name="retryAfter">How long clients shall wait.</param>
    public static IApiKeyStore Create(string way, InMemoryApiKeyStore keys, Func<bool> isReady, TimeSpan retryAfter)
    {
        if (way == "in memory")
        {
            return new Synchronous(keys, isReady, retryAfter);
        }

        return new ScriptedStore((hash, _) => isReady()
            ? new(keys.Find(hash))
            : way switch
            {
                "synchronously" => throw NotReady(retryAfter),
                "with a failed task" => ValueTask.FromException<ApiKey?>(NotReady(retryAfter)),
                _ => FailLaterAsync(retryAfter),
            });
    }

    private static async ValueTask<ApiKey?> FailLaterAsync(TimeSpan retryAfter)
    {
        await Task.Yield();
        throw NotReady(retryAfter);
    }

    private static ApiKeyStoreUnavailableException NotReady(TimeSpan retryAfter) => new("The keys are not loaded yet.", retryAfter);

    private sealed class Synchronous(InMemoryApiKeyStore keys, Func<bool> isReady, TimeSpan retryAfter)
        : IApiKeyStore, ISynchronousApiKeyStore
    {
        public int Count => keys.Count;

        public ApiKey? Find(ApiKeyHash hash) => isReady() ? keys.Find(hash) : throw NotReady(retryAfter);

        public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new(Find(hash));
    }
}
