using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// A file with keys that is reached through a symbolic link. The framework watches the folder that the link is in, and sees nothing when
/// the link, or another one on the way, leads to another file from now on.
/// </summary>
internal sealed class LinkedKeyFile
{
    private readonly string _path;
    private FileState? _loaded;
    private string? _told;

    private LinkedKeyFile(FileConfigurationProvider provider, string path)
    {
        Provider = provider;
        _path = path;
    }

    public FileConfigurationProvider Provider { get; }

    /// <summary>The file of a provider, or null if there is no link on the way to it or the provider does not reload.</summary>
    public static LinkedKeyFile? Of(FileConfigurationProvider provider) =>
        provider.Source is { ReloadOnChange: true, FileProvider: { } files, Path: { } name }
        && files.GetFileInfo(name).PhysicalPath is { } path
        && SymbolicLinks.Resolve(path) != path
            ? new LinkedKeyFile(provider, path)
            : null;

    /// <summary>Lets the provider load the file if it is not the one that was loaded last. What keeps it from that is told once.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The next look must happen.")]
    public void Look(Action<string> tell)
    {
        FileState? now = null;
        try
        {
            now = FileState.Of(_path);
            if (now is null)
            {
                Tell($"it leads to {SymbolicLinks.Resolve(_path)}, which does not exist");
            }
            else if (now != _loaded)
            {
                Provider.Load();
                _told = null;
            }
        }
        catch (InvalidDataException)
        {
            // The file does not parse, which whoever handles the provider's exceptions has told.
            _told = null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            now = null;
            Tell(exception.Message);
        }
        catch (Exception exception)
        {
            // The file is loaded. Somebody else who listens to the provider failed.
            Tell(exception.Message);
        }

        _loaded = now;

        void Tell(string reason)
        {
            if (_told != reason)
            {
                _told = reason;
                tell($"{_path}: {reason}");
            }
        }
    }

    private sealed record FileState(string Target, long Length, DateTime WrittenAt)
    {
        /// <summary>The state of the file at the end of all links, or null if there is none.</summary>
        public static FileState? Of(string path)
        {
            var file = new FileInfo(SymbolicLinks.Resolve(path));
            return file.Exists ? new FileState(file.FullName, file.Length, file.LastWriteTimeUtc) : null;
        }
    }
}
