using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Records events that a caller can repeat at will: one entry per action, actor, detail and minute, written at once and again with its
/// count when the minute is over (an event at that very moment may be missed). It neither waits for the audit log nor fails with it.
/// </summary>
internal sealed class ThrottledAudit : IDisposable
{
    /// <summary>
    /// Beyond this many different events in a minute, further ones share an entry without their address. The limit applies per kind of
    /// actor and, for uses of break-glass keys, per key, so that using one key cannot blur the record of another.
    /// </summary>
    private const int MaxPerMinute = 1_000;

    private readonly IAuditLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<EventKey, Occurrences> _current = new();
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<(ApiKeyActorKind Kind, string? BreakGlassKeyId), StrongBox<int>> _counts = new();

    public ThrottledAudit(IAuditLog log, TimeProvider time, ILoggerFactory loggerFactory)
    {
        _log = log;
        _time = time;
        _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
        _timer = time.CreateTimer(_ => WriteFinalCounts(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Records an event. A shared entry has the summary, which takes few different values, in place of the detail.</summary>
    public void Record(AuditAction action, ApiKeyActor actor, string? keyId, string? keyName, string? detail, string? summary = null)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var key = new EventKey(action, actor, detail, now.Ticks / TimeSpan.TicksPerMinute);
        StrongBox<int> count = CountOf(key);
        if (Volatile.Read(ref count.Value) >= MaxPerMinute && !_current.ContainsKey(key))
        {
            key = key with
            {
                Actor = actor with { Id = actor.Kind == ApiKeyActorKind.Key ? actor.Id : "others", Address = null },
                Detail = summary ?? detail,
            };
        }

        if (!_current.TryGetValue(key, out Occurrences? occurrences))
        {
            var made = new Occurrences(AuditEntry.Create(now, action, key.Actor, keyId, keyName) with { Detail = key.Detail });
            occurrences = _current.GetOrAdd(key, made);
            if (ReferenceEquals(made, occurrences))
            {
                Interlocked.Increment(ref count.Value);
            }
        }

        if (Interlocked.Increment(ref occurrences.Count) == 1)
        {
            occurrences.FirstWrite = WriteAsync(occurrences.Entry);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        foreach (Occurrences occurrences in _current.Values)
        {
            _ = WriteCountAsync(occurrences);
        }
    }

    private StrongBox<int> CountOf(EventKey key) => _counts.GetOrAdd(
        (key.Actor.Kind, key.Action == AuditAction.BreakGlassUse ? key.Actor.Id : null), _ => new StrongBox<int>());

    private void WriteFinalCounts()
    {
        long minute = _time.GetUtcNow().Ticks / TimeSpan.TicksPerMinute;
        foreach ((EventKey key, Occurrences occurrences) in _current)
        {
            if (key.Minute < minute && _current.TryRemove(key, out _))
            {
                Interlocked.Decrement(ref CountOf(key).Value);
                _ = WriteCountAsync(occurrences);
            }
        }
    }

    private async Task WriteCountAsync(Occurrences occurrences)
    {
        // A slow first write must not overwrite the final count.
        await occurrences.FirstWrite;
        if (Volatile.Read(ref occurrences.Count) is > 1 and var times)
        {
            await WriteAsync(occurrences.Entry with { Count = times });
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "An audit outage must not stop a break-glass key.")]
    private async Task WriteAsync(AuditEntry entry)
    {
        try
        {
            await _log.AppendAsync(entry, CancellationToken.None);
        }
        catch (Exception exception)
        {
            IpAllowlistLog.AuditFailed(_logger, exception, entry.Action.ToString(), entry.Actor.Id);
        }
    }

    private readonly record struct EventKey(AuditAction Action, ApiKeyActor Actor, string? Detail, long Minute);

    private sealed class Occurrences(AuditEntry entry)
    {
        public AuditEntry Entry => entry;

        public int Count;

        public Task FirstWrite { get; set; } = Task.CompletedTask;
    }
}
