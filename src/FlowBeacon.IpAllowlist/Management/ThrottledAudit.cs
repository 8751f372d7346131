using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Records what a caller can repeat at will: one entry per occasion (action, actor, detail) and minute, written at once and again with its
/// count when the minute is over (one that comes in that very moment may be missed). It does not await the audit log and does not fail because of it.
/// </summary>
internal sealed class ThrottledAudit : IDisposable
{
    /// <summary>
    /// Beyond this many occasions in a minute, further ones share an entry without their address. Each kind of actor has as many, and for
    /// its uses each break-glass key, so that the holder of one cannot blur what is done with another.
    /// </summary>
    private const int MostPerMinute = 1_000;

    private readonly IAuditLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<Occasion, Occurrences> _current = new();
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<(ApiKeyActorKind Kind, string? BreakGlassKeyId), StrongBox<int>> _counts = new();

    public ThrottledAudit(IAuditLog log, TimeProvider time, ILoggerFactory loggerFactory)
    {
        _log = log;
        _time = time;
        _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
        _timer = time.CreateTimer(_ => WriteFinalCounts(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Records what happened.</summary>
    /// <param name="action">What.</param>
    /// <param name="actor">Who did it.</param>
    /// <param name="keyId">The key it concerns.</param>
    /// <param name="keyName">That key's name.</param>
    /// <param name="detail">What else there is to know.</param>
    /// <param name="summary">The same in a few different values, for an entry that occasions share; null for the detail itself.</param>
    public void Record(AuditAction action, ApiKeyActor actor, string? keyId, string? keyName, string? detail, string? summary = null)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var occasion = new Occasion(action, actor, detail, now.Ticks / TimeSpan.TicksPerMinute);
        StrongBox<int> count = CountOf(occasion);
        if (Volatile.Read(ref count.Value) >= MostPerMinute && !_current.ContainsKey(occasion))
        {
            occasion = occasion with
            {
                Actor = actor.Kind == ApiKeyActorKind.Key ? actor with { Address = null } : new ApiKeyActor(actor.Kind, "others", null),
                Detail = summary ?? detail,
            };
        }

        if (!_current.TryGetValue(occasion, out Occurrences? occurrences))
        {
            var made = new Occurrences(new AuditEntry
            {
                Id = $"audit_{Guid.CreateVersion7(now):N}",
                At = now,
                Action = action,
                Actor = occasion.Actor,
                KeyId = keyId,
                KeyName = keyName,
                Detail = occasion.Detail,
            });
            occurrences = _current.GetOrAdd(occasion, made);
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

    private StrongBox<int> CountOf(Occasion occasion) => _counts.GetOrAdd(
        (occasion.Actor.Kind, occasion.Action == AuditAction.BreakGlassUse ? occasion.Actor.Id : null), _ => new StrongBox<int>());

    private void WriteFinalCounts()
    {
        long minute = _time.GetUtcNow().Ticks / TimeSpan.TicksPerMinute;
        foreach ((Occasion occasion, Occurrences occurrences) in _current)
        {
            if (occasion.Minute < minute && _current.TryRemove(occasion, out _))
            {
                Interlocked.Decrement(ref CountOf(occasion).Value);
                _ = WriteCountAsync(occurrences);
            }
        }
    }

    private async Task WriteCountAsync(Occurrences occurrences)
    {
        // A slow first write must not come last.
        await occurrences.FirstWrite;
        if (Volatile.Read(ref occurrences.Count) is > 1 and var times)
        {
            await WriteAsync(occurrences.Entry with { Count = times });
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "An audit outage must not stop a break-glass key.")]
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

    private readonly record struct Occasion(AuditAction Action, ApiKeyActor Actor, string? Detail, long Minute);

    private sealed class Occurrences(AuditEntry entry)
    {
        public AuditEntry Entry => entry;

        public int Count;

        public Task FirstWrite { get; set; } = Task.CompletedTask;
    }
}
