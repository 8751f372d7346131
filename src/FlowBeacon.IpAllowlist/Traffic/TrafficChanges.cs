namespace FlowBeacon.IpAllowlist;

/// <summary>
/// What one process saw of the keys' traffic since it was last taken: increments, so that those of several processes add up in any order.
/// A key, and a row, may come more than once in a batch.
/// </summary>
public sealed record TrafficChanges
{
    /// <summary>
    /// The number of this batch in this process, from 1 on. A store that keeps it with an id of the process, in the transaction that adds
    /// the batch, can tell a batch that it added already.
    /// </summary>
    public required long Number { get; init; }

    /// <summary>
    /// Denials of one key from one address for one reason. <see cref="Denial.Count"/> is how many were added and
    /// <see cref="Denial.CountError"/> is 0. <see cref="Denial.FirstSeen"/> may lie before earlier batches: keep the earliest, and what
    /// comes with the latest <see cref="Denial.LastSeen"/>. Rows that were pushed out before they were taken are missing; they are in
    /// <see cref="Totals"/>.
    /// </summary>
    public required IReadOnlyList<Denial> Denials { get; init; }

    /// <summary>Exact numbers of denials that were added.</summary>
    public required IReadOnlyList<DenialTotalsChange> Totals { get; init; }

    /// <summary>Successful uses of one key from one address.</summary>
    public required IReadOnlyList<SourceChange> Sources { get; init; }

    /// <summary>Of which keys sources are missing, because they were pushed out before they were taken.</summary>
    public required IReadOnlyList<SourceLoss> Losses { get; init; }

    /// <summary>
    /// The last uses of secrets of keys in the grace period of a rotation. Of each secret keep the one with the latest
    /// <see cref="SecretUse.LastSeen"/>.
    /// </summary>
    public required IReadOnlyList<SecretUse> Secrets { get; init; }

    /// <summary>Whether there may be more to take at once. Only after a batch without it, or none, was everything taken.</summary>
    public bool HasMore { get; init; }
}
