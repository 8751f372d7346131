namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The changes of the keys' traffic in one process since the last batch: increments, so that those of several processes add up in any
/// order. A key or a row may occur more than once in a batch.
/// </summary>
public sealed record TrafficChanges
{
    /// <summary>
    /// The number of this batch in this process, from 1. A store that saves it with an id of the process, in the transaction that adds
    /// the batch, can recognize a batch that it already added.
    /// </summary>
    public required long Number { get; init; }

    /// <summary>
    /// Denials of one key from one address for one reason. <see cref="Denial.Count"/> is how many were added and
    /// <see cref="Denial.CountError"/> is 0. <see cref="Denial.FirstSeen"/> may lie before earlier batches: keep the earliest, and the
    /// other values of the row with the latest <see cref="Denial.LastSeen"/>. Rows that were evicted before they were taken are missing;
    /// they count in <see cref="Totals"/>.
    /// </summary>
    public required IReadOnlyList<Denial> Denials { get; init; }

    /// <summary>Exact numbers of denials that were added.</summary>
    public required IReadOnlyList<DenialTotalsChange> Totals { get; init; }

    /// <summary>Successful uses of one key from one address.</summary>
    public required IReadOnlyList<SourceChange> Sources { get; init; }

    /// <summary>The keys with missing sources, which were evicted before they were taken.</summary>
    public required IReadOnlyList<SourceLoss> Losses { get; init; }

    /// <summary>
    /// The last uses of secrets of keys in the grace period of a rotation. For each secret keep the one with the latest
    /// <see cref="SecretUse.LastSeen"/>.
    /// </summary>
    public required IReadOnlyList<SecretUse> Secrets { get; init; }

    /// <summary>Whether there may be more to take at once. Everything was taken only after a batch with false, or after none.</summary>
    public bool HasMore { get; init; }
}
