using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FlowBeacon.IpAllowlist.Tests.Architecture;

/// <summary>The library's sources as the compiler understands them.</summary>
internal static class LibrarySources
{
    private const string ImplicitUsings =
        """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    private static readonly string Project = RepositoryFolder.Combine("src", "FlowBeacon.IpAllowlist");

    /// <summary>The semantic model of each file of the library; its path is the one below the project.</summary>
    /// <param name="planted">Further sources by their path below the project.</param>
    public static IReadOnlyList<SemanticModel> Models(params (string Path, string Text)[] planted)
    {
        SyntaxTree[] trees =
        [
            .. Directory.EnumerateFiles(Project, "*.cs", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Project, file))
                .Where(path => path.Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"))
                .Select(path => Parse(path, File.ReadAllText(Path.Combine(Project, path)))),
            .. planted.Select(file => Parse(file.Path, file.Text)),
        ];
        var compilation = CSharpCompilation.Create("sources", [.. trees, Parse("", ImplicitUsings)], Framework());
        return [.. trees.Select(tree => compilation.GetSemanticModel(tree))];
    }

    private static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview), path);

    private static IEnumerable<MetadataReference> Framework() => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Where(file => !Path.GetFileName(file).StartsWith("FlowBeacon.", StringComparison.Ordinal))
        .Select(file => MetadataReference.CreateFromFile(file));
}
