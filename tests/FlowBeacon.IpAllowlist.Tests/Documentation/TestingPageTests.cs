using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>The host and the test project of docs/testing.md, built against the packed package and run.</summary>
public sealed partial class TestingPageTests
{
    private const string Library = "FlowBeacon.IpAllowlist";

    /// <summary>A unique version, so that no cached package is used in place of the one packed here.</summary>
    private const string PackedVersion = "0.0.0-testing-page";

    [Fact]
    public async Task The_tests_of_the_page_pass_against_the_packed_package()
    {
        Requires.Program("dotnet");
        string folder = Directory.CreateTempSubdirectory("flowbeacon-testing-page-").FullName;
        try
        {
            string tests = WriteFiles(folder);

            await RunAsync(
                folder, "pack", RepositoryFolder.Combine("src", Library), "--no-build", "--configuration", Configuration,
                "--output", Path.Combine(folder, "feed"), $"-p:Version={PackedVersion}", $"-p:NuspecOutputPath={folder}/nuspec/");
            string output = await RunAsync(folder, "run", "--project", tests);

            int cases = CaseAttribute().Count(Page());
            cases.Should().BeGreaterThan(10);
            output.Should().Contain(string.Create(CultureInfo.InvariantCulture, $"Total: {cases}, Errors: 0, Failed: 0, Skipped: 0"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_page_names_the_versions_that_this_repository_has()
    {
        Dictionary<string, string> versions = XDocument.Load(RepositoryFolder.Combine("Directory.Packages.props"))
            .Descendants("PackageVersion").ToDictionary(Include, package => package.Attribute("Version")!.Value);
        XDocument properties = XDocument.Load(RepositoryFolder.Combine("Directory.Build.props"));
        versions.Add(Library, properties.Descendants("VersionPrefix").Single().Value);

        XElement[] named = [.. Files().Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal))
            .SelectMany(file => XDocument.Parse(file.Text).Descendants("PackageReference"))];

        named.Select(Include).Should().Contain([Library, "xunit.v3", "Microsoft.AspNetCore.Mvc.Testing"]);
        named.Should().AllSatisfy(package => package.Attribute("Version")!.Value.Should().Be(versions[Include(package)]));
    }

    /// <summary>The configuration that these tests were built in: …/bin/&lt;configuration&gt;/&lt;framework&gt;/.</summary>
    private static string Configuration => new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)).Parent!.Name;

    /// <summary>Writes the page's files, and returns the folder of the test project.</summary>
    private static string WriteFiles(string folder)
    {
        foreach ((string path, string text) in Files())
        {
            string file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, PackageVersion().Replace(text, $"${{before}}{PackedVersion}\""));
        }

        // Nothing is fetched: our package comes from the folder, and the others are those that this repository was restored with.
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <packageSources><clear /><add key="packed" value="feed" /></packageSources>
              <fallbackPackageFolders><clear /><add key="restored" value="{restored}" /></fallbackPackageFolders>
            </configuration>
            """);
        return Path.Combine(folder, "Orders.Tests");
    }

    private static async Task<string> RunAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("NUGET_PACKAGES");
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";

        // Nothing stays behind: no build nodes, no compiler server.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0, $"dotnet {arguments[0]} prints\n{output}\n{await errors}");
        return output;
    }

    private static IEnumerable<(string Path, string Text)> Files() =>
        PageFile().Matches(Page()).Select(file => (file.Groups["path"].Value, file.Groups["text"].Value));

    private static string Page() => File.ReadAllText(RepositoryFolder.Combine("docs", "testing.md"));

    private static string Include(XElement package) => package.Attribute("Include")!.Value;

    [GeneratedRegex("^`(?<path>[^`\n]+)`\n\n```[a-z]+\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex PageFile();

    [GeneratedRegex("(?<before><PackageReference Include=\"FlowBeacon.IpAllowlist\" Version=\")[^\"]+\"")]
    private static partial Regex PackageVersion();

    [GeneratedRegex(@"^ *\[(Fact|InlineData\(.*\))\]", RegexOptions.Multiline)]
    private static partial Regex CaseAttribute();
}
