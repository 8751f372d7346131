using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Architecture;

/// <summary>No line of code is longer than <c>max_line_length</c> in .editorconfig, which <c>dotnet format</c> does not check.</summary>
public sealed class LineLengthTests
{
    private const int Longest = 140;

    [Fact]
    public void No_line_of_code_is_too_long() => string.Join('\n', TooLong(Sources())).Should().BeEmpty();

    [Fact]
    public void Looks_at_the_library_its_tests_and_its_samples() =>
        Sources().Select(source => source.Path).Should().Contain(
        [
            "src/FlowBeacon.IpAllowlist/IpAllowlistOptions.cs",
            "tests/FlowBeacon.IpAllowlist.Tests/Architecture/LineLengthTests.cs",
            "samples/MinimalApi/Program.cs",
        ]);

    [Theory]
    [InlineData("\n", 140, "")]
    [InlineData("\n", 141, "src/Planted.cs:2 has 141 characters")]
    [InlineData("\r\n", 140, "")]
    [InlineData("\r\n", 141, "src/Planted.cs:2 has 141 characters")]
    public void A_planted_line_is_found(string newLine, int length, string found)
    {
        string text = string.Join(newLine, "namespace Planted;", new string('/', length), "");

        string.Join('\n', TooLong([("src/Planted.cs", text)])).Should().Be(found);
    }

    private static IEnumerable<string> TooLong(IEnumerable<(string Path, string Text)> sources) =>
        from source in sources
        from line in source.Text.ReplaceLineEndings("\n").Split('\n').Index()
        where line.Item.Length > Longest
        select $"{source.Path}:{line.Index + 1} has {line.Item.Length} characters";

    /// <summary>Every C# file of the repository, by its path below it, but what builds and runs leave behind.</summary>
    private static IEnumerable<(string Path, string Text)> Sources()
    {
        string repository = RepositoryFolder.Combine();
        return Directory.EnumerateFiles(repository, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(repository, file).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(path => !path.Split('/')[..^1].Any(IsLeftBehind))
            .Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllText(Path.Combine(repository, path))));
    }

    /// <summary>The folders that git ignores, and those of tools, such as <c>.vs</c>.</summary>
    private static bool IsLeftBehind(string folder) =>
        folder.StartsWith('.') || folder is "bin" or "obj" or "artifacts" or "TestResults" or "BenchmarkDotNet.Artifacts";
}
