using Microsoft.Extensions.Hosting;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>Runs the diagnosis every minute, so that a wrong client-address source is logged even without a health check.</summary>
internal sealed class ClientIpSourceWatch(ClientIpSourceDiagnosis diagnosis, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                diagnosis.Judge();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host is stopping.
        }
    }
}
