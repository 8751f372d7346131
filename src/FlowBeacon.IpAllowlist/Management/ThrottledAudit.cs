using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Records what a caller can repeat at will: one entry per occasion (action, actor, detail) and minute, written at once and again with its
/// count when the minute is over (one that comes in that very moment may be missed). It does not await the audit log and does not fail because of it.
/// </summary>
internal sealed class ThrottledAudit : IBreakGlassRecord, IDisposable
{
    /// <summary>Beyond this many occasions of a kind of actor in a minute, further ones share an entry without their address.</summary>
    private const int MostPerMinute = 1_000;

    private readonly IAuditLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<Occasion, Occurrences> _current = new();
    private readonly ITimer _timer;
    private readonly int[] _counts = new int[Enum.GetValues<ApiKeyActorKind>().Length];

    public ThrottledAudit(IAuditLog log, TimeProvider time, ILoggerFactory loggerFactory)
    {
        _log = log;
        _time = time;
        _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
        _timer = time.CreateTimer(_ => WriteFinalCounts(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    public void Record(AuditAction action, ApiKeyActor actor, string? keyId, string? keyName, string? detail)
    {
        DateTimeOffset now = _time.GetUtcNow();
        ref int count = ref _counts[(int)actor.Kind];
        var occasion = new Occasion(action, actor, detail, now.Ticks / TimeSpan.TicksPerMinute);
        if (Volatile.Read(ref count) >= MostPerMinute && !_current.ContainsKey(occasion))
        {
            occasion = occasion with { Actor = actor.Kind == ApiKeyActorKind.Key ? actor with { Address = null } : new ApiKeyActor(actor.Kind, "others", null) };
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
                Detail = detail,
            });
            occurrences = _current.GetOrAdd(occasion, made);
            if (ReferenceEquals(made, occurrences))
            {
                Interlocked.Increment(ref count);
            }
        }

        if (Interlocked.Increment(ref occurrences.Count) == 1)
        {
            occurrences.FirstWrite = WriteAsync(occurrences.Entry);
        }
    }

    public void Used(ApiKey key, string? clientIp) =>
        Record(AuditAction.BreakGlassUse, new ApiKeyActor(ApiKeyActorKind.Key, key.Id, clientIp), key.Id, key.Name, null);

    public void Dispose()
    {
        _timer.Dispose();
        foreach (Occurrences occurrences in _current.Values)
        {
            _ = WriteCountAsync(occurrences);
        }
    }

    private void WriteFinalCounts()
    {
        long minute = _time.GetUtcNow().Ticks / TimeSpan.TicksPerMinute;
        foreach ((Occasion occasion, Occurrences occurrences) in _current)
        {
            if (occasion.Minute < minute && _current.TryRemove(occasion, out _))
            {
                Interlocked.Decrement(ref _counts[(int)occasion.Actor.Kind]);
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
            IpAllowlistLog.AuditFailed(_logger, exception, entry.Action, entry.Actor.Id);
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
