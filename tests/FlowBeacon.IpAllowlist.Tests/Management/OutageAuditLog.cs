using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>An audit log that can go away for changes of keys, and come back. What gets through is kept as usual; so is all else.</summary>
internal sealed class OutageAuditLog : IAuditLog, IDisposable
{
    public const string Throws = "throws";
    public const string FailsLater = "fails later";
    public const string Hangs = "hangs";
    public const string Blocks = "blocks its caller";

    private readonly InMemoryAuditLog _kept = new();
    private readonly ConcurrentQueue<AuditEntry> _attempts = new();
    private readonly ManualResetEventSlim _isBack = new();
    private readonly TaskCompletionSource _comesBack = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _outage;

    public static IReadOnlyList<string> Outages { get; } = [Throws, FailsLater, Hangs, Blocks];

    /// <summary>The entries of changes that somebody tried to append, kept or not.</summary>
    public IReadOnlyList<AuditEntry> Attempts => [.. _attempts];

    public static bool Waits(string outage) => outage is Hangs or Blocks;

    public void Break(string outage)
    {
        _attempts.Clear();
        _outage = outage;
    }

    /// <summary>From now on entries are kept; those that hung or blocked land.</summary>
    public void Mend()
    {
        _outage = null;
        Release();
    }

    /// <summary>Those that hung or blocked land; what is appended from now on meets the outage.</summary>
    public void Release()
    {
        _isBack.Set();
        _comesBack.TrySetResult();
    }

    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Action is AuditAction.Refused or AuditAction.BreakGlassUse)
        {
            return _kept.AppendAsync(entry, cancellationToken);
        }

        string? outage = _outage;
        _attempts.Enqueue(entry);
        switch (outage)
        {
            case Throws:
                throw new IOException("The disk is full.");
            case FailsLater:
                return FailAsync();
            case Hangs:
                return HangAsync(entry);
            case Blocks:
                _isBack.Wait(CancellationToken.None);
                break;
        }

        return _kept.AppendAsync(entry, CancellationToken.None);
    }

    public ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
        _kept.ReadAsync(query, cancellationToken);

    public void Dispose() => Mend();

    private static async ValueTask FailAsync()
    {
        await Task.Yield();
        throw new IOException("The database is away.");
    }

    private async ValueTask HangAsync(AuditEntry entry)
    {
        await _comesBack.Task;
        await _kept.AppendAsync(entry, CancellationToken.None);
    }
}
