using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Keeps the in-memory store equal to the keys in the configuration. A bad first state stops start-up; a bad reload is logged and
/// changes nothing.
/// </summary>
internal sealed class ConfigurationKeyLoader(
    ConfigurationKeySection keys,
    ConfigurationKeyRules rules,
    ConfigurationKeys inForce,
    IConfiguration configuration,
    InMemoryApiKeyStore store,
    IHostEnvironment environment,
    TimeProvider time,
    IpAllowlistMetrics metrics,
    ILoggerFactory loggerFactory) : IHostedLifecycleService, IDisposable
{
    private const int MaxReadings = 10;

    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
    private readonly string _path = keys.Section.Path;
    private readonly Lock _loading = new();
    private FileConfigurationSource[] _filesInUse = [];
    private string? _lastFaults;
    private IDisposable? _reloads;
    private FileLoadExceptionListener? _exceptions;
    private LinkedKeyFiles? _links;
    private bool _isNextReloadReported;

    /// <summary>Loads the keys before any server starts to listen.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        IConfigurationRoot root = HostConfiguration.RootOf(configuration, keys.Section, "AddKeysFromConfiguration()");
        _exceptions = new FileLoadExceptionListener(
            FileProviders(root).Select(provider => provider.Source), ReportUnreadableFile, ExpectReportedReload);

        // Files without keys are watched too: keys may be added to them.
        _links = new LinkedKeyFiles(FileProviders(root), time, ReportFault);
        lock (_loading)
        {
            _reloads = ChangeToken.OnChange(root.GetReloadToken, () => Reload(root));
            if (Load(root) is { } faults)
            {
                throw new InvalidOperationException($"Keys from configuration cannot be used:{Environment.NewLine}{faults}");
            }
        }

        IpAllowlistLog.KeysLoaded(_logger, _path, inForce.ById.Count);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _links?.Dispose();
        _reloads?.Dispose();
        _exceptions?.Dispose();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "After any failed reload the last good keys stay in force.")]
    private void Reload(IConfigurationRoot root)
    {
        lock (_loading)
        {
            try
            {
                IReadOnlyDictionary<string, ConfiguredKey> before = inForce.ById;
                bool isReported = _isNextReloadReported;
                _isNextReloadReported = false;
                string? faults = Load(root);
                if (faults is not null && !isReported)
                {
                    LogOnce(faults);
                }
                else if (faults is null && !ReferenceEquals(before, inForce.ById))
                {
                    metrics.KeysReloaded(applied: true);
                    IpAllowlistLog.KeysLoaded(_logger, _path, inForce.ById.Count);
                }
            }
            catch (Exception exception)
            {
                metrics.KeysReloaded(applied: false);
                IpAllowlistLog.KeyReloadFailed(_logger, exception, _path);
            }
        }
    }

    /// <summary>Loads the current configuration into the store, or returns its faults and changes nothing.</summary>
    private string? Load(IConfigurationRoot root)
    {
        IReadOnlyList<ConfiguredKey> read = ReadWhole(root, out IReadOnlyList<string> faults);

        // A missing or invalid file leaves its provider without data, which must not count as "no keys".
        FileConfigurationProvider[] files = [.. FileProviders(root).Where(HasKeys)];
        IEnumerable<string> lostFiles = FileProviders(root).Except(files)
            .Where(provider => _filesInUse.Contains(provider.Source))
            .Select(provider => $"{provider.Source.Path}: the file is missing, empty or unreadable, or has lost the section {_path};"
                + " restore it, write {} as the section for no keys, or restart without the file");
        string[] all = [.. lostFiles, .. faults];
        if (all.Length > 0)
        {
            return string.Join(Environment.NewLine, all);
        }

        _lastFaults = null;
        _filesInUse = [.. files.Select(provider => provider.Source)];

        ConfiguredKey[] changed =
            [.. read.Where(key => !inForce.ById.TryGetValue(key.Key.Id, out ConfiguredKey? old) || !old.Equals(key))];
        string[] removed = [.. inForce.ById.Keys.Except(read.Select(key => key.Key.Id))];
        if (changed.Length + removed.Length > 0)
        {
            store.Apply([.. changed.Select(key => key.Key)], removed);
            inForce.ById = read.ToDictionary(key => key.Key.Id, StringComparer.Ordinal);
        }

        return null;
    }

    private static IEnumerable<FileConfigurationProvider> FileProviders(IConfigurationRoot root) =>
        ConfigurationTree.Providers(root).OfType<FileConfigurationProvider>();

    private bool HasKeys(FileConfigurationProvider provider) =>
        provider.TryGet(_path, out _) || provider.GetChildKeys([], _path).Any();

    /// <summary>
    /// Reads until two readings agree: providers may replace their data during a reading, which would mix old and new values.
    /// </summary>
    private IReadOnlyList<ConfiguredKey> ReadWhole(IConfigurationRoot root, out IReadOnlyList<string> faults)
    {
        IReadOnlyList<ConfiguredKey> read = ConfigurationKeyReader.Read(root, _path, environment.IsDevelopment(), rules, out faults);
        for (int attempt = 0; attempt < MaxReadings; attempt++)
        {
            IReadOnlyList<ConfiguredKey> before = read;
            IReadOnlyList<string> faultsBefore = faults;
            read = ConfigurationKeyReader.Read(root, _path, environment.IsDevelopment(), rules, out faults);
            if (faults.SequenceEqual(faultsBefore) && before.SequenceEqual(read))
            {
                return read;
            }
        }

        faults = [$"{_path}: the configuration keeps changing while it is read"];
        return [];
    }

    private void ReportUnreadableFile(FileConfigurationSource source, Exception exception) =>
        ReportFault($"{source.Path}: {exception.Message} {exception.InnerException?.Message}");

    /// <summary>An invalid file was reported. The reload that may follow lacks its keys and is not reported again.</summary>
    private void ExpectReportedReload()
    {
        lock (_loading)
        {
            _isNextReloadReported = true;
        }
    }

    private void ReportFault(string fault)
    {
        lock (_loading)
        {
            LogOnce(fault);
        }
    }

    /// <summary>Logs faults once: editors and file watchers often report one change several times.</summary>
    private void LogOnce(string faults)
    {
        if (faults != _lastFaults)
        {
            _lastFaults = faults;
            metrics.KeysReloaded(applied: false);
            IpAllowlistLog.KeysRejected(_logger, _path, faults);
        }
    }
}
