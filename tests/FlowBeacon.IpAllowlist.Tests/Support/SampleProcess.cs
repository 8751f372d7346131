using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>A sample as a process of its own: by default MinimalApi, with its settings in a temporary folder.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: http://";

    /// <summary>A safety net: no passing test reaches it.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly TaskCompletionSource<IPEndPoint> _endPoint = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SampleProcess(string contentRoot, string environment, string assembly, bool isGlobalizationInvariant = false)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            WorkingDirectory = contentRoot,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in new[] { assembly, "--urls", "http://127.0.0.1:0", "--contentRoot", contentRoot })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment["ASPNETCORE_ENVIRONMENT"] = environment;
        if (isGlobalizationInvariant)
        {
            start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1";
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Everything the process has written so far, on either stream, line by line.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>The MinimalApi sample, which is copied beside the tests.</summary>
    private static string MinimalApi => Path.Combine(AppContext.BaseDirectory, "MinimalApi.dll");

    /// <summary>Copies the sample's settings files into a folder.</summary>
    public static void CopySettings(string folder)
    {
        foreach (string file in new[] { "appsettings.json", "appsettings.Development.json" })
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(folder, file), overwrite: true);
        }
    }

    /// <summary>Starts the sample and returns when it listens.</summary>
    public static async Task<SampleProcess> StartAsync(
        string contentRoot, string environment, string? assembly = null, bool isGlobalizationInvariant = false)
    {
        var sample = new SampleProcess(contentRoot, environment, assembly ?? MinimalApi, isGlobalizationInvariant);
        try
        {
            Task exit = sample._process.WaitForExitAsync();
            Task first = await Task.WhenAny(sample._endPoint.Task, exit).WaitAsync(Deadline);
            if (first == exit)
            {
                throw new InvalidOperationException($"The sample did not start: {string.Join('\n', sample.Output)}");
            }

            sample.EndPoint = await sample._endPoint.Task;
            return sample;
        }
        catch
        {
            await sample.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a sample that is expected not to start.</summary>
    public static async Task<(int ExitCode, string Output)> RunToExitAsync(string contentRoot, string environment)
    {
        await using var sample = new SampleProcess(contentRoot, environment, MinimalApi);
        await sample._process.WaitForExitAsync().WaitAsync(Deadline);
        return (sample._process.ExitCode, string.Join('\n', sample.Output));
    }

    public Task<RawResponse> GetAsync(string target, params string[] headerLines) =>
        KestrelApp.SendAsync(EndPoint, "GET", target, headerLines);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync().WaitAsync(Deadline);
        }

        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        _output.Enqueue(line);
        int start = line.IndexOf(Listening, StringComparison.Ordinal);
        if (start >= 0)
        {
            _endPoint.TrySetResult(IPEndPoint.Parse(line.AsSpan(start + Listening.Length).Trim()));
        }
    }
}
