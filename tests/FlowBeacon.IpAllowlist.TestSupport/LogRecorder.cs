using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.TestSupport;

internal sealed record LogEntry(LogLevel Level, EventId Id, string Message, string Category, Exception? Exception);

/// <summary>Keeps every log message of a host.</summary>
internal sealed class LogRecorder : ILoggerProvider
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();

    public IReadOnlyList<LogEntry> Entries => [.. _entries];

    /// <summary>The messages of the library alone.</summary>
    public IReadOnlyList<LogEntry> OfLibrary =>
        [.. _entries.Where(entry => entry.Category.StartsWith("FlowBeacon.IpAllowlist", StringComparison.Ordinal))];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _entries);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<LogEntry> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue(new LogEntry(logLevel, eventId, formatter(state, exception), category, exception));
    }
}
