namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Waits for a semaphore with a timeout that follows a <see cref="TimeProvider"/>.</summary>
internal static class SemaphoreExtensions
{
    /// <summary>Enters a semaphore; false if the timeout came first.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task<bool> TryWaitAsync(
        this SemaphoreSlim semaphore, CancellationToken timeout, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout, cancellationToken);
        try
        {
            await semaphore.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
