using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>The hosts that share a store, seen from one of them.</summary>
internal sealed class ToyFleet(ToyStore store, ToyNode node, TimeProvider time) : IFleetStatus
{
    public long Revision => node.Revision;

    public ValueTask<IReadOnlyList<FleetNode>> GetNodesAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long newest = store.Revision;
        DateTimeOffset now = time.GetUtcNow();
        FleetNode self = node.Describe();
        return new([Judged(self) with { IsThis = true }, .. store.Nodes.Where(other => other.Id != self.Id).Select(Judged)]);

        FleetNode Judged(FleetNode other) => other with
        {
            State = now - other.LastContact > ToyNode.Lease ? FleetNodeState.Silent
                : other.Revision < newest ? FleetNodeState.Behind
                : other.State,
        };
    }

    public async ValueTask<bool> WaitAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        long start = time.GetTimestamp();
        while (true)
        {
            // Asked for before looking, so that a report in between is not missed.
            Task reported = store.NextReport;
            if ((await GetNodesAsync(cancellationToken)).All(other => other.Revision >= revision))
            {
                return true;
            }

            TimeSpan left = timeout - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            try
            {
                await reported.WaitAsync(left, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Looked at once more, then it is over.
            }
        }
    }
}
