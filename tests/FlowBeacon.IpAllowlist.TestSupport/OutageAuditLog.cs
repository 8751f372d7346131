using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>
/// An audit log that can go away, and come back. What gets through is kept as usual. It blocks its caller for changes alone: what requests
/// record by the way is appended on their own thread.
/// </summary>
internal sealed class OutageAuditLog : IAuditLog, IDisposable
{
    public const string Throws = "throws";
    public const string FailsLater = "fails later";

    /// <summary>As a database whose acknowledgement is lost.</summary>
    public const string KeepsAndThrows = "keeps and throws";

    public const string Hangs = "hangs";
    public const string Blocks = "blocks its caller";

    private readonly InMemoryAuditLog _kept = new();
    private readonly ConcurrentQueue<AuditEntry> _attempts = new();
    private readonly ConcurrentDictionary<string, bool> _isKept = new();
    private readonly ManualResetEventSlim _isBack = new();
    private readonly TaskCompletionSource _comesBack = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _outage;

    public static IReadOnlyList<string> Outages { get; } = [Throws, FailsLater, Hangs, Blocks];

    /// <summary>All entries of changes passed to the log, kept or not.</summary>
    public IReadOnlyList<AuditEntry> Attempts => [.. _attempts];

    public static bool Waits(string outage) => outage is Hangs or Blocks;

    public void Break(string outage)
    {
        _attempts.Clear();
        _outage = outage;
    }

    /// <summary>From now on entries are kept; the hanging or blocked ones are recorded.</summary>
    public void Mend()
    {
        _outage = null;
        Release();
    }

    /// <summary>The hanging or blocked entries are recorded; later ones meet the outage.</summary>
    public void Release()
    {
        _isBack.Set();
        _comesBack.TrySetResult();
    }

    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        string? outage = _outage;
        if (IsChange(entry))
        {
            _attempts.Enqueue(entry);
        }

        switch (outage)
        {
            case Throws:
                throw new IOException("The disk is full.");
            case KeepsAndThrows when IsChange(entry) && !_isKept.ContainsKey(entry.Id):
                return KeepAndThrowAsync(entry);
            case FailsLater:
                return FailAsync();
            case Hangs:
                return HangAsync(entry);
            case Blocks when IsChange(entry):
                _isBack.Wait(CancellationToken.None);
                break;
        }

        return _kept.AppendAsync(entry, CancellationToken.None);
    }

    public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
        _kept.ReadAsync(query, cancellationToken);

    public void Dispose() => Mend();

    private static bool IsChange(AuditEntry entry) => entry.Action is not (AuditAction.Refused or AuditAction.BreakGlassUse);

    private async ValueTask KeepAndThrowAsync(AuditEntry entry)
    {
        _isKept[entry.Id] = true;
        await _kept.AppendAsync(entry, CancellationToken.None);
        throw new TimeoutException("The acknowledgement did not come.");
    }

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
