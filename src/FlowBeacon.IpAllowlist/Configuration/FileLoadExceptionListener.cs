using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Reports files that do not parse: they cause no reload, and the framework calls only the single handler of the source. The host's own
/// handler is still called, and is restored when this is disposed.
/// </summary>
internal sealed class FileLoadExceptionListener : IDisposable
{
    private readonly Action<FileConfigurationSource, Exception> _report;
    private readonly Action _expectReload;
    private readonly List<Action> _restore = [];
    private volatile bool _isDisposed;

    /// <summary>Starts to listen.</summary>
    /// <param name="sources">The files.</param>
    /// <param name="report">Called for every file that cannot be loaded.</param>
    /// <param name="expectReload">
    /// Called after that if the host ignores the exception: the framework then reloads as if the file were empty.
    /// </param>
    public FileLoadExceptionListener(
        IEnumerable<FileConfigurationSource> sources, Action<FileConfigurationSource, Exception> report, Action expectReload)
    {
        _report = report;
        _expectReload = expectReload;
        foreach (FileConfigurationSource source in sources)
        {
            Listen(source);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _restore.ForEach(restore => restore());
        _restore.Clear();
    }

    private void Listen(FileConfigurationSource source)
    {
        Action<FileLoadExceptionContext>? before = source.OnLoadException;
        Action<FileLoadExceptionContext> ours = context => Handle(source, before, context);
        source.OnLoadException = ours;
        _restore.Add(() =>
        {
            // If another handler now wraps this one, it stays, and this one does nothing.
            if (source.OnLoadException == ours)
            {
                source.OnLoadException = before;
            }
        });
    }

    private void Handle(FileConfigurationSource source, Action<FileLoadExceptionContext>? before, FileLoadExceptionContext context)
    {
        if (!_isDisposed)
        {
            _report(source, context.Exception);
        }

        before?.Invoke(context);
        if (!_isDisposed && context.Ignore)
        {
            _expectReload();
        }
    }
}
