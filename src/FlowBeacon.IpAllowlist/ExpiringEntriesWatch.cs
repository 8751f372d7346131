using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Regularly finds entries that are in use and about to expire: all of them for the health check, and those of the next
/// hours for the log, each once a day.
/// </summary>
internal sealed class ExpiringEntriesWatch(
    KeysInForce keys, IApiKeyTraffic traffic, ExpiringEntriesFound found, TimeProvider time, ILoggerFactory loggerFactory)
    : BackgroundService
{
    private static readonly TimeSpan LongestLook = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Keys of a repository are most likely read from a database, so less often.</summary>
    private readonly TimeSpan _interval = keys.AreInMemory ? TimeSpan.FromMinutes(10) : TimeSpan.FromHours(1);

    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
    private readonly Dictionary<(string KeyId, string Entry), DateTimeOffset> _loggedAt = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await LookAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host is stopping.
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "No exception of the repository or the traffic may stop the next examination.")]
    internal async Task LookAsync(CancellationToken stoppingToken)
    {
        using var timeout = new CancellationTokenSource(LongestLook, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stoppingToken);
        try
        {
            found.All = await FindAsync(either.Token).WaitAsync(either.Token);
            LogSoonest();
        }
        catch (Exception exception)
        {
            // While the host stops, what is read may be disposed of already.
            if (!stoppingToken.IsCancellationRequested)
            {
                IpAllowlistLog.ExpiringEntriesUnknown(_logger, exception);
            }
        }
    }

    private async Task<IReadOnlyList<(string KeyId, EntryExpiringInUse Entry)>> FindAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        var all = new List<(string KeyId, EntryExpiringInUse Entry)>();
        await foreach (ApiKey key in keys.ReadAsync(cancellationToken))
        {
            if (EntriesExpiringInUse.HasExpiring(key, now, EntriesExpiringInUse.Soon))
            {
                ApiKeySources seen = await traffic.ReadSourcesAsync(key.Id, cancellationToken);
                all.AddRange(EntriesExpiringInUse.Find(key, seen.Sources, now, EntriesExpiringInUse.Soon).Select(entry => (key.Id, entry)));
            }
        }

        return all;
    }

    private void LogSoonest()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach ((string KeyId, string Entry) entry in _loggedAt.Keys.Where(entry => now - _loggedAt[entry] >= Day).ToArray())
        {
            _loggedAt.Remove(entry);
        }

        foreach ((string keyId, EntryExpiringInUse entry) in found.All)
        {
            if (entry.ExpiresAt - now <= EntriesExpiringInUse.VerySoon && _loggedAt.TryAdd((keyId, entry.Entry), now))
            {
                IpAllowlistLog.EntryExpiresInUse(_logger, entry.Entry, keyId, entry.ExpiresAt, entry.LastSeen);
            }
        }
    }
}
