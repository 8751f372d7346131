namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The fleet of one process, whose requests see a change as soon as it is committed.</summary>
internal sealed class SingleNode(IApiKeyRepository repository, TimeProvider time) : IFleetStatus
{
    /// <summary>A change is in force before its revision is returned, so waiting is rarely needed.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly string _id = Guid.NewGuid().ToString("N");

    /// <inheritdoc/>
    public long Revision => repository is InMemoryApiKeyRepository inMemory
        ? inMemory.Revision
        : throw new InvalidOperationException(
            $"The default {nameof(IFleetStatus)} does not know the revisions of {repository.GetType()}. Register your own:"
            + $" builder.Services.AddSingleton<{nameof(IFleetStatus)}, …>().");

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FleetNode>> GetNodesAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new([
            new FleetNode
            {
                Id = _id,
                Name = Environment.MachineName,
                IsThis = true,
                Revision = Revision,
                LastContact = time.GetUtcNow(),
                State = FleetNodeState.UpToDate,
            },
        ]);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> WaitAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        long start = time.GetTimestamp();
        while (Revision < revision)
        {
            TimeSpan left = timeout - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            await Task.Delay(left < Interval ? left : Interval, time, cancellationToken);
        }

        return true;
    }
}
