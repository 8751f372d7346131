using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>An audit log whose append operation a test sets.</summary>
internal sealed class ScriptedAuditLog(Func<AuditEntry, ValueTask> append) : IAuditLog
{
    private readonly ConcurrentQueue<AuditEntry> _appended = new();

    public IReadOnlyList<AuditEntry> Appended => [.. _appended];

    public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        _appended.Enqueue(entry);
        return append(entry);
    }

    public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
        new(new AuditPage { Entries = [.. _appended.Reverse()] });
}
