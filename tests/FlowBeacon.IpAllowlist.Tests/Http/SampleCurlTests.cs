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

        IReadOnlyList<string> block = await sample.ReadBlockAsync();

        block.Should().HaveCountGreaterThanOrEqualTo(12);
        for (int line = 0; line < block.Count; line += 2)
        {
            Match promise = Promise().Match(block[line]);
            promise.Success.Should().BeTrue(block[line]);
            string command = block[line + 1];
            command.Should().StartWith("curl ");

            string answer = await RunAsync("sh", ["-c", command]);

            answer.Should().MatchRegex($@"^HTTP/1\.1 {promise.Groups["status"].Value} ", command);
            if (promise.Groups["status"].Value != "200")
            {
                string title = promise.Groups["text"].Value.Split(',')[0];
                answer.Should().Contain($"\"title\":\"{title}\"", command);
            }
        }
    }

    /// <summary>Interactive shells without user settings. An interactive zsh does not support comments; both support quotes.</summary>
    [Theory]
    [InlineData("bash", "--norc", "-i")]
    [InlineData("zsh", "-f", "-i")]
    public async Task The_whole_block_can_be_pasted_into_a_shell(string shell, params string[] options)
    {
        Requires.Program("dotnet");
        Requires.Program("curl");
        Requires.Program(shell);
        using SampleProcess sample = SampleProcess.Start();
        IReadOnlyList<string> block = await sample.ReadBlockAsync();

        string answers = await RunAsync(shell, options, string.Concat(block.Select(line => line + '\n')));

        StatusLine().Matches(answers).Select(match => match.Groups["status"].Value).Should()
            .Equal(block.Where((_, line) => line % 2 == 0).Select(line => Promise().Match(line).Groups["status"].Value));
    }

    [GeneratedRegex(@"^: '(?<status>\d{3}) (?<text>[^']+)'$")]
    private static partial Regex Promise();

    /// <summary>Not every answer before it ends with a line break.</summary>
    [GeneratedRegex(@"HTTP/1\.1 (?<status>\d{3}) ")]
    private static partial Regex StatusLine();

    /// <summary>Runs a shell, which must end well and complain of nothing.</summary>
    private static async Task<string> RunAsync(string shell, string[] arguments, string pasted = "")
    {
        var start = new ProcessStartInfo(shell, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NO_PROXY"] = "*";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(pasted);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        (await errors).Should().NotContainAny("not found", "Could not resolve", "unmatched", "unexpected");
        process.ExitCode.Should().Be(0, await output);
        return await output;
    }

    private sealed class SampleProcess(Process process) : IDisposable
    {
        public static SampleProcess Start()
        {
            var start = new ProcessStartInfo(
                "dotnet", [Path.Combine(AppContext.BaseDirectory, "MinimalApi.dll"), "--urls", "http://127.0.0.1:0"])
            {
                WorkingDirectory = Path.Combine(RepositoryRoot(), "samples", "MinimalApi"),
                RedirectStandardOutput = true,
            };
            start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
            return new SampleProcess(Process.Start(start)!);
        }

        /// <summary>The block to paste: the lines behind the heading, up to an empty one.</summary>
        public async Task<IReadOnlyList<string>> ReadBlockAsync()
        {
            var block = new List<string>();
            bool isInBlock = false;
            while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith("Paste into", StringComparison.Ordinal))
                {
                    isInBlock = true;
                }
                else if (isInBlock && line.Length > 0)
                {
                    block.Add(line);
                }
                else if (block.Count > 0)
                {
                    // Later output of the sample must not fill the pipe and block it.
                    _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                    break;
                }
            }

            return block;
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
