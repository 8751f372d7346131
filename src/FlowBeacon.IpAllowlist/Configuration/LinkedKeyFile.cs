using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// A file with keys that is reached through a symbolic link. The framework watches the link's folder and does not notice when the link, or
/// another one on the path, points to another file.
/// </summary>
internal sealed class LinkedKeyFile
{
    private readonly FileConfigurationProvider _provider;
    private readonly string _path;
    private FileState? _loaded;
    private string? _reported;

    private LinkedKeyFile(FileConfigurationProvider provider, string path)
    {
        _provider = provider;
        _path = path;
    }

    /// <summary>The file of a provider, or null if its path has no link or the provider does not reload.</summary>
    public static LinkedKeyFile? Find(FileConfigurationProvider provider) =>
        provider.Source is { ReloadOnChange: true, FileProvider: { } files, Path: { } name }
        && files.GetFileInfo(name).PhysicalPath is { } path
        && SymbolicLinks.Resolve(path) != path
            ? new LinkedKeyFile(provider, path)
            : null;

    /// <summary>Reloads the provider if the link leads to another file than the one loaded last. A failure is reported once.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The next check must happen.")]
    public void Check(Action<string> report)
    {
        FileState? now = null;
        try
        {
            now = FileState.Read(_path);
            if (now is null)
            {
                ReportOnce($"it leads to {SymbolicLinks.Resolve(_path)}, which does not exist");
            }
            else if (now != _loaded)
            {
                _provider.Load();
                _reported = null;
            }
        }
        catch (InvalidDataException)
        {
            // The file does not parse, which the handler of the provider's exceptions has reported.
            _reported = null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            now = null;
            ReportOnce(exception.Message);
        }
        catch (Exception exception)
        {
            // The file is loaded, but another listener to the provider failed.
            ReportOnce(exception.Message);
        }

        _loaded = now;

        void ReportOnce(string reason)
        {
            if (_reported != reason)
            {
                _reported = reason;
                report($"{_path}: {reason}");
            }
        }
    }

    private sealed record FileState(string Target, long Length, DateTime WrittenAt)
    {
        /// <summary>The state of the file at the end of all links, or null if there is none.</summary>
        public static FileState? Read(string path)
        {
            var file = new FileInfo(SymbolicLinks.Resolve(path));
            return file.Exists ? new FileState(file.FullName, file.Length, file.LastWriteTimeUtc) : null;
        }
    }
}
