namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Waiting for a turn, but not for ever.</summary>
internal static class SemaphoreTurns
{
    /// <summary>Takes a turn of a semaphore.</summary>
    /// <param name="turns">The semaphore.</param>
    /// <param name="patience">Cancelled when it was waited long enough.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Whether the turn was taken; false when patience came to its end.</returns>
    /// <exception cref="OperationCanceledException">The operation was cancelled.</exception>
    public static async Task<bool> TryTakeAsync(this SemaphoreSlim turns, CancellationToken patience, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience, cancellationToken);
        try
        {
            await turns.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
