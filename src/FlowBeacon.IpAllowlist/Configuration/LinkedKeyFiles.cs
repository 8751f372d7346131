using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Looks every two seconds whether the configuration files that are reached through symbolic links are still the same, as in a folder that
/// Kubernetes mounts. Only the providers of those files are loaded again, never the whole configuration.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="tell">Hears of files that cannot be loaded: once of each reason, as long as it lasts.</param>
internal sealed class LinkedKeyFiles(TimeProvider time, Action<string> tell) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private volatile LinkedKeyFile[] _files = [];
    private ITimer? _timer;

    /// <summary>Follows the files of these providers from now on, where they are reached through a link and reload.</summary>
    public void Follow(IEnumerable<FileConfigurationProvider> providers) => _files =
    [
        .. providers.Select(provider => _files.FirstOrDefault(file => file.Provider == provider) ?? LinkedKeyFile.Of(provider))
            .OfType<LinkedKeyFile>(),
    ];

    /// <summary>
    /// Looks now and from now on. The first look loads each file again, because nobody knows which file the provider was given before.
    /// </summary>
    public void Begin()
    {
        Look();
        _timer = time.CreateTimer(_ => LookAndGoOn(), null, Period, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        foreach (LinkedKeyFile file in _files)
        {
            file.Look(tell);
        }
    }

    /// <summary>The next look begins a period after the end of this one.</summary>
    private void LookAndGoOn()
    {
        Look();
        _timer?.Change(Period, Timeout.InfiniteTimeSpan);
    }
}
