using System.Diagnostics;
using System.Globalization;
using System.Net;
using FlowBeacon.IpAllowlist.Benchmarks.Baselines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Benchmarks.Servers;

/// <summary>One small application on Kestrel, with one kind of check or none, as a process of its own.</summary>
internal sealed class BenchmarkServer : IDisposable
{
    private const string Taskset = "/usr/bin/taskset";

    private readonly Process _process;

    private BenchmarkServer(Process process, string name, int[] ports)
    {
        _process = process;
        Name = name;
        Http1 = new Uri($"http://127.0.0.1:{ports[0]}/");
        Http2 = new Uri($"http://127.0.0.1:{ports[1]}/");
    }

    public string Name { get; }

    public Uri Http1 { get; }

    public Uri Http2 { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>
    /// Starts this program again as a server, on the first processor alone where <c>taskset</c> is installed (util-linux): then all its
    /// time is its own, if the load comes from another processor.
    /// </summary>
    public static BenchmarkServer Start(string check, string name)
    {
        string[] command =
        [
            .. File.Exists(Taskset) ? [Taskset, "-c", "0"] : Array.Empty<string>(), Environment.ProcessPath!, "serve", check,
        ];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        string ports = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"The server '{name}' did not start.");
        return new BenchmarkServer(process, name, [.. ports.Split(' ').Select(port => int.Parse(port, CultureInfo.InvariantCulture))]);
    }

    /// <summary>Serves until its standard input ends; prints the ports for HTTP/1.1 and HTTP/2 when it listens.</summary>
    public static async Task ServeAsync(string check)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        if (check == "check")
        {
            Samples.AddCheck(builder.Services);
        }

        await using WebApplication app = builder.Build();
        _ = check switch
        {
            "check" => app.UseFlowBeaconIpAllowlist(),
            "safelist" => app.Use(next => new SafelistMiddleware(next, SafelistMiddleware.Sample()).InvokeAsync),
            "careful" => app.Use(next => new CarefulMiddleware(next, CarefulMiddleware.Sample()).InvokeAsync),
            "none" => app,
            _ => throw new ArgumentException($"There is no server '{check}'.", nameof(check)),
        };
        app.MapGet("/", () => "Hello");
        await app.StartAsync();
        Console.WriteLine(string.Join(' ', app.Urls.Select(url => new Uri(url).Port)));
        await Console.In.ReadToEndAsync();
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
