using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Hears of files that do not parse: such a file raises no reload, and the framework tells only the one handler of its source. The host's
/// own handler is called as before, and is the only one again when this is disposed.
/// </summary>
internal sealed class FileLoadExceptions : IDisposable
{
    private readonly Action<FileConfigurationSource, Exception> _tell;
    private readonly Action _expectReload;
    private readonly List<Action> _giveBack = [];
    private volatile bool _isDisposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="sources">The files.</param>
    /// <param name="tell">Hears of every file that cannot be loaded.</param>
    /// <param name="expectReload">
    /// Is called after that, where the host ignores the exception: the framework then reloads, as if the file were there and empty.
    /// </param>
    public FileLoadExceptions(
        IEnumerable<FileConfigurationSource> sources, Action<FileConfigurationSource, Exception> tell, Action expectReload)
    {
        _tell = tell;
        _expectReload = expectReload;
        foreach (FileConfigurationSource source in sources)
        {
            Listen(source);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _giveBack.ForEach(giveBack => giveBack());
        _giveBack.Clear();
    }

    private void Listen(FileConfigurationSource source)
    {
        Action<FileLoadExceptionContext>? before = source.OnLoadException;
        Action<FileLoadExceptionContext> ours = context => Hear(source, before, context);
        source.OnLoadException = ours;
        _giveBack.Add(() =>
        {
            // A handler that somebody put around this one stays; it calls one that says nothing any more.
            if (source.OnLoadException == ours)
            {
                source.OnLoadException = before;
            }
        });
    }

    private void Hear(FileConfigurationSource source, Action<FileLoadExceptionContext>? before, FileLoadExceptionContext context)
    {
        if (!_isDisposed)
        {
            _tell(source, context.Exception);
        }

        before?.Invoke(context);
        if (!_isDisposed && context.Ignore)
        {
            _expectReload();
        }
    }
}
