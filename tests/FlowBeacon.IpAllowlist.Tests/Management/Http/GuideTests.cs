using System.Diagnostics;
using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The commands of a guide, from top to bottom, against the sample they are written for.</summary>
public sealed partial class GuideTests
{
    private const string DocumentedUrl = "http://localhost:5081";

    [Theory]
    [InlineData("keys.md")]
    [InlineData("lockout.md")]
    public async Task Every_command_of_the_guide_gives_the_status_it_promises_and_agrees_with_the_document(string file)
    {
        Requires.Program("dotnet");
        Requires.Program("curl");
        Requires.Program("sh");
        string guide = await File.ReadAllTextAsync(RepositoryFolder.Combine("docs", file), TestContext.Current.CancellationToken);
        string script = string.Concat(Block().Matches(guide).Select(block => block.Groups["commands"].Value));
        script.Should().Contain(DocumentedUrl);
        string[] promised = [.. Promise().Matches(script).Select(line => $"{line.Groups["status"].Value} {line.Groups["command"].Value}")];
        promised.Length.Should().BeGreaterThan(20);

        await using KeyConsoleSample sample = await KeyConsoleSample.StartAsync();
        await using RecordingProxy proxy = await RecordingProxy.StartAsync(sample.Url);
        (int exitCode, string[] printed, string errors) = await RunAsync(
            script.Replace(DocumentedUrl, proxy.Url, StringComparison.Ordinal), sample.Password);

        string[] kept = [.. promised.Zip(printed, (promise, status) => $"{status}{promise[3..]}")];
        kept.Should().Equal(promised.Take(kept.Length));
        exitCode.Should().Be(0, $"after {printed.Length} of {promised.Length} statuses: {errors}");
        printed.Should().HaveSameCount(promised);

        KeyApiDocument document = await KeyApiDocument.ReadAsync(sample.Url);
        Exchange[] ofKeys = [.. proxy.Exchanges.Where(exchange => exchange.Path.StartsWith(KeyApiHost.Keys, StringComparison.Ordinal))];
        ofKeys.Length.Should().BeGreaterThan(10);
        ofKeys.SelectMany(exchange => document.Disagreements(exchange).Select(fault => $"{fault} in {exchange}")).Should().BeEmpty();
    }

    /// <summary>Runs a script as its reader would, but stops at the first command that fails.</summary>
    private static async Task<(int ExitCode, string[] Lines, string Errors)> RunAsync(string script, string password)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("guide");
        try
        {
            var start = new ProcessStartInfo("sh", ["-eu"])
            {
                WorkingDirectory = folder.FullName,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["PASSWORD"] = password;
            start.Environment["NO_PROXY"] = "*";
            using Process shell = Process.Start(start)!;
            Task<string> errors = shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await shell.StandardInput.WriteAsync(script);
            shell.StandardInput.Close();
            string output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (shell.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries), await errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex("^```sh\n(?<commands>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^(?<command>(status|curl) .*?) +# (?<status>\d{3})( .*)?$", RegexOptions.Multiline)]
    private static partial Regex Promise();
}
