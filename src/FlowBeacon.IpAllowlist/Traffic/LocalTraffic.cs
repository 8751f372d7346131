using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The keys' traffic in this process, whichever <see cref="IApiKeyTraffic"/> is registered, and its changes for an implementation that adds
/// up several processes. It is registered by the library and can be injected.
/// </summary>
/// <remarks>
/// <para>There must be only one consumer. It takes a batch, delivers it, confirms it and takes the next one, until there is none:</para>
/// <code>
/// while (local.TakeChanges(1_000) is { } changes)
/// {
///     await DeliverAsync(changes);
///     local.Confirm(changes);
///     if (!changes.HasMore)
///     {
///         break;
///     }
/// }
/// </code>
/// <para>
/// Take changes regularly, from the start of the process. The records are bounded. A row that is removed before it is taken is lost, but
/// its denials remain in the totals, and a key whose sources were lost is in <see cref="TrafficChanges.Losses"/>. Changes that are not
/// confirmed when the process ends are lost. Requests do not wait, except that a denial may wait while the changed rows of its key, at most
/// 256, are copied or read.
/// </para>
/// </remarks>
public sealed class LocalTraffic
{
    private readonly Lock _taking = new();
    private readonly DenialRecord _denials;
    private readonly SourcesSeen _sources;
    private readonly SecretsSeen _secrets;
    private IEnumerator<object>? _walk;
    private TrafficChanges? _unconfirmed;
    private long _taken;

    internal LocalTraffic(DenialRecord denials, SourcesSeen sources, SecretsSeen secrets, ProcessTraffic thisProcess)
    {
        _denials = denials;
        _sources = sources;
        _secrets = secrets;
        ThisProcess = thisProcess;
    }

    /// <summary>
    /// The traffic of this process since its start, taken or not. An implementation for several processes also reads denials, sources and
    /// last uses from it, so that recent events of this process count at once. Do not add its numbers: they include what was taken.
    /// </summary>
    public IApiKeyTraffic ThisProcess { get; }

    /// <summary>Takes the changes since the last batch, or that batch again if it was not confirmed.</summary>
    /// <param name="max">The most rows, totals, losses and uses of secrets together, from 1. A repeated batch is unchanged.</param>
    /// <returns>The changes; null if there are none.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="max"/> is less than 1.</exception>
    public TrafficChanges? TakeChanges(int max)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        lock (_taking)
        {
            return _unconfirmed ??= TakeNext(max);
        }
    }

    /// <summary>Confirms that a batch was delivered, so that it is not returned again.</summary>
    /// <param name="changes">The batch that was taken last, as it was returned.</param>
    /// <exception cref="ArgumentNullException"><paramref name="changes"/> is null.</exception>
    /// <exception cref="ArgumentException">It is not the last batch, or is already confirmed.</exception>
    public void Confirm(TrafficChanges changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        lock (_taking)
        {
            if (!ReferenceEquals(changes, _unconfirmed))
            {
                throw new ArgumentException(
                    $"Batch {changes.Number} is not the last one taken, or is already confirmed.", nameof(changes));
            }

            _unconfirmed = null;
        }
    }

    private TrafficChanges? TakeNext(int max)
    {
        // A pass begun by an earlier call may have missed later changes.
        bool isContinued = _walk is not null;
        List<object> taken = TakeFromWalk(max);
        if (taken.Count == 0 && isContinued)
        {
            isContinued = false;
            taken = TakeFromWalk(max);
        }

        return taken.Count == 0 ? null : new TrafficChanges
        {
            Number = ++_taken,
            Denials = [.. taken.OfType<Denial>()],
            Totals = [.. taken.OfType<DenialTotalsChange>()],
            Sources = [.. taken.OfType<SourceChange>()],
            Losses = [.. taken.OfType<SourceLoss>()],
            Secrets = [.. taken.OfType<SecretUse>()],
            HasMore = isContinued || _walk is not null,
        };
    }

    /// <summary>Continues or begins a pass over the records, until it ends or <paramref name="max"/> changes are found.</summary>
    private List<object> TakeFromWalk(int max)
    {
        // Secrets before sources: a key's use must not seem to be one of its old secret because that of the new one is in a later batch.
        _walk ??= _sources.TakeLosses().Concat(_denials.TakeChanges()).Concat(_secrets.TakeChanges()).Concat(_sources.TakeChanges())
            .GetEnumerator();
        var taken = new List<object>();
        while (taken.Count < max)
        {
            if (!_walk.MoveNext())
            {
                _walk = null;
                break;
            }

            taken.Add(_walk.Current);
        }

        return taken;
    }
}
