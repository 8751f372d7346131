using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>The KeyConsole sample as a process of its own, in Development, with the password it printed.</summary>
internal sealed partial class KeyConsoleSample : IAsyncDisposable
{
    private readonly SampleProcess _process;

    private KeyConsoleSample(SampleProcess process) => _process = process;

    public string Url => $"http://{_process.EndPoint}";

    public string Password { get; private set; } = "";

    public static async Task<KeyConsoleSample> StartAsync()
    {
        string folder = RepositoryFolder.Combine("samples", "KeyConsole");

        // Its own build output, of the configuration that the tests were built in: …/bin/<configuration>/<framework>/.
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string assembly = Path.Combine(folder, "bin", framework.Parent!.Name, framework.Name, "KeyConsole.dll");
        var sample = new KeyConsoleSample(await SampleProcess.StartAsync(folder, "Development", assembly));
        await Eventually.IsTrueAsync(sample.TakePassword, () => string.Join('\n', sample._process.Output));
        return sample;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private bool TakePassword()
    {
        Match printed = _process.Output.Select(line => PasswordLine().Match(line)).FirstOrDefault(match => match.Success) ?? Match.Empty;
        Password = printed.Groups["password"].Value;
        return printed.Success;
    }

    [GeneratedRegex("with the password (?<password>[0-9a-f]{32}) ")]
    private static partial Regex PasswordLine();
}
