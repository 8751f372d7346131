using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Checks every two seconds whether the configuration files that are reached through symbolic links are still the same, as in a folder that
/// Kubernetes mounts. Only the providers of those files are loaded again, never the whole configuration.
/// </summary>
internal sealed class LinkedKeyFiles : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private readonly LinkedKeyFile[] _files;
    private readonly Action<string> _report;
    private readonly ITimer _timer;

    /// <summary>
    /// Checks now and from now on. The first check loads each file again, because it is unknown which file the provider loaded before.
    /// </summary>
    /// <param name="providers">The files; those without a link on their path, or without reload, are left out.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Called when a file cannot be loaded, once per reason.</param>
    public LinkedKeyFiles(IEnumerable<FileConfigurationProvider> providers, TimeProvider time, Action<string> report)
    {
        _files = [.. providers.Select(LinkedKeyFile.Find).OfType<LinkedKeyFile>()];
        _report = report;
        CheckAll();
        _timer = time.CreateTimer(_ => CheckPeriodically(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void CheckAll()
    {
        foreach (LinkedKeyFile file in _files)
        {
            file.Check(_report);
        }
    }

    /// <summary>The next check begins a period after the end of this one.</summary>
    private void CheckPeriodically()
    {
        CheckAll();
        _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }
}
