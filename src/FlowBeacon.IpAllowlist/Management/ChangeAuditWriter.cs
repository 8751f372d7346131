using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Writes the audit entries of one change to a log that may throw, hang or block its caller.</summary>
internal sealed class ChangeAuditWriter(IAuditLog log, IReadOnlyList<AuditEntry> entries, ILogger logger)
{
    private readonly List<AuditEntry> _attempted = [];
    private Task _appending = Task.CompletedTask;
    private volatile bool _isWithdrawn;

    /// <summary>Appends the entries.</summary>
    /// <param name="timeout">Cancelled when the time is up. An entry whose append has begun may still be recorded after that.</param>
    /// <exception cref="TimeoutException">The time was up. Any exception of the log is passed on.</exception>
    public async Task AppendAsync(CancellationToken timeout)
    {
        // On another thread, so that a log that blocks its caller cannot block the change. The in-memory log never blocks.
        _appending = log is InMemoryAuditLog ? AppendAllAsync() : Task.Run(AppendAllAsync, CancellationToken.None);
        try
        {
            await _appending.WaitAsync(timeout);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !_appending.IsCompleted)
        {
            throw new TimeoutException("The audit log did not answer in time.");
        }
    }

    /// <summary>
    /// Replaces every entry that was or may still be recorded with one that says its change was not carried out. Runs in the background,
    /// because the log may never answer.
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

            // Not cancelled and noted first: a log that throws or is cancelled may have kept the entry, which must then be corrected.
            _attempted.Add(entry);
            await log.AppendAsync(entry, CancellationToken.None);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Runs in the background; a failure is logged.")]
    private async Task CorrectAsync()
    {
        await _appending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (AuditEntry entry in _attempted)
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
