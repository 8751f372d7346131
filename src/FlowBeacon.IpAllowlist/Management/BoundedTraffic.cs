namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Queries the registered traffic, which may be a database, with a time limit.</summary>
internal sealed class BoundedTraffic(IApiKeyTraffic traffic, TimeProvider time)
{
    /// <summary>How long an answer may take.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Runs a query; a failure or a timeout is part of the result.</summary>
    /// <param name="ask">The query.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was canceled.</exception>
    public async Task<Answer<T>> AskAsync<T>(Func<IApiKeyTraffic, CancellationToken, ValueTask<T>> ask, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return new Answer<T>(await ask(traffic, either.Token).AsTask().WaitAsync(either.Token), Failure: null);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            return new Answer<T>(default, failure);
        }
    }

    /// <summary>Runs a query that nothing can be answered without.</summary>
    /// <param name="ask">The query.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="ApiKeyManagementException">There was no answer, or not in time, or the query refuses an argument.</exception>
    public async Task<T> ReadAsync<T>(Func<IApiKeyTraffic, CancellationToken, ValueTask<T>> ask, CancellationToken cancellationToken)
    {
        Answer<T> answer = await AskAsync(ask, cancellationToken);
        return answer.Failure switch
        {
            null => answer.Value!,
            ApiKeyManagementException refusal => throw refusal,
            Exception failure => throw ManagementRefusal.TrafficNotRead(failure),
        };
    }

    /// <summary>The result of a query, or why there is none.</summary>
    /// <param name="Value">The result; only without a failure.</param>
    /// <param name="Failure">What went wrong; null if nothing did.</param>
    public readonly record struct Answer<T>(T? Value, Exception? Failure);
}
