using System.Diagnostics;
using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The sample as its reader meets it: started, and every printed command pasted into a shell.</summary>
public sealed partial class SampleCurlTests
{
    [Fact]
    public async Task Every_command_that_the_sample_prints_gives_the_status_it_promises()
    {
        Requires.Program("dotnet");
        Requires.Program("curl");
        using SampleProcess sample = SampleProcess.Start();

        IReadOnlyList<string> commands = await sample.ReadCurlLinesAsync();

        commands.Should().HaveCountGreaterThanOrEqualTo(6);
        foreach (string command in commands)
        {
            Match promise = Promise().Match(command);
            promise.Success.Should().BeTrue(command);

            string answer = await RunAsync(command);

            answer.Should().MatchRegex($@"^HTTP/1\.1 {promise.Groups["status"].Value} ", command);
            if (promise.Groups["status"].Value != "200")
            {
                string title = promise.Groups["text"].Value.Split(',')[0];
                answer.Should().Contain($"\"title\":\"{title}\"", command);
            }
        }
    }

    [GeneratedRegex(@"  # (?<status>\d{3}) (?<text>.+)$")]
    private static partial Regex Promise();

    private static async Task<string> RunAsync(string command)
    {
        var start = new ProcessStartInfo("sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NO_PROXY"] = "*";
        using Process shell = Process.Start(start)!;
        Task<string> errors = shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await errors;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        shell.ExitCode.Should().Be(0, command);
        return output;
    }

    private sealed class SampleProcess(Process process) : IDisposable
    {
        public static SampleProcess Start()
        {
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "MinimalApi.dll"), "--urls", "http://127.0.0.1:0"])
            {
                WorkingDirectory = Path.Combine(RepositoryRoot(), "samples", "MinimalApi"),
                RedirectStandardOutput = true,
            };
            start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
            return new SampleProcess(Process.Start(start)!);
        }

        /// <summary>The block of commands, which ends with an empty line.</summary>
        public async Task<IReadOnlyList<string>> ReadCurlLinesAsync()
        {
            var commands = new List<string>();
            while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith("curl ", StringComparison.Ordinal))
                {
                    commands.Add(line);
                }
                else if (commands.Count > 0)
                {
                    // Whatever the sample writes from here on must not fill the pipe and stop it.
                    _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                    break;
                }
            }

            return commands;
        }

        public void Dispose()
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        private static string RepositoryRoot()
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FlowBeacon.IpAllowlist.sln")))
            {
                folder = folder.Parent;
            }

            return folder?.FullName ?? throw new InvalidOperationException($"No repository above {AppContext.BaseDirectory}.");
        }
    }
}
