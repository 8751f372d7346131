using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The audit entries of one change, on their way into a log that may throw, hang or block its caller.</summary>
internal sealed class RecordOfChange(IAuditLog log, IReadOnlyList<AuditEntry> entries, ILogger logger)
{
    private readonly List<AuditEntry> _begun = [];
    private Task _appending = Task.CompletedTask;
    private volatile bool _isWithdrawn;

    /// <summary>Appends the entries.</summary>
    /// <param name="patience">Cancelled when it was waited long enough. An entry whose append has begun may still land after that.</param>
    /// <exception cref="TimeoutException">It took too long. Whatever else the log throws is thrown, too.</exception>
    public async Task AppendAsync(CancellationToken patience)
    {
        // On a thread of its own, so that a log that blocks its caller cannot hold up the change for ever. Ours is known not to.
        _appending = log is InMemoryAuditLog ? AppendAllAsync() : Task.Run(AppendAllAsync, CancellationToken.None);
        try
        {
            await _appending.WaitAsync(patience);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !_appending.IsCompleted)
        {
            throw new TimeoutException("The audit log did not answer in time.");
        }
    }

    /// <summary>
    /// Says of every entry that is in the log, may be, or lands there later, that its change was not carried out. Nobody waits for it: the log may
    /// never answer.
    /// </summary>
    public void Withdraw()
    {
        _isWithdrawn = true;
        _ = Task.Run(CorrectAsync);
    }

    private async Task AppendAllAsync()
    {
        foreach (AuditEntry entry in entries)
        {
            if (_isWithdrawn)
            {
                return;
            }

            // Not cancelled: a log that is cancelled half-way may keep the entry all the same, and then nobody would correct it.
            // Noted before: a log that throws may have kept it.
            _begun.Add(entry);
            await log.AppendAsync(entry, CancellationToken.None);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Nobody waits for it; a failure is logged.")]
    private async Task CorrectAsync()
    {
        await _appending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (AuditEntry entry in _begun)
        {
            try
            {
                string detail = entry.Detail is null ? "not carried out" : $"not carried out; {entry.Detail}";
                await log.AppendAsync(entry with { Detail = detail }, CancellationToken.None);
            }
            catch (Exception exception)
            {
                IpAllowlistLog.AuditNotCorrected(logger, exception, entry.Id);
            }
        }
    }
}
