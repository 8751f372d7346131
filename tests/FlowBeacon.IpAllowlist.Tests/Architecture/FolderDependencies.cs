using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FlowBeacon.IpAllowlist.Tests.Architecture;

/// <summary>One file of a folder that uses a type of another.</summary>
internal sealed record FolderDependency(string From, string To, string File, string Type)
{
    public override string ToString() => $"{From} uses {To}: {File} names {Type}";
}

/// <summary>The dependencies between folders of the library, found with the compiler's semantic model.</summary>
internal static class FolderDependencies
{
    /// <summary>The folder of what stands beside the project file.</summary>
    public const string Root = "root";

    /// <summary>Finds every use of a type in another folder, one example for each file and type.</summary>
    /// <param name="planted">Further sources by their path below the project.</param>
    public static IReadOnlyList<FolderDependency> Find(params (string Path, string Text)[] planted) =>
        [.. LibrarySources.Models(planted).SelectMany(Uses).Distinct()];

    private static IEnumerable<FolderDependency> Uses(SemanticModel model)
    {
        string from = FolderOf(model.SyntaxTree.FilePath);
        foreach (SimpleNameSyntax name in model.SyntaxTree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
        {
            // A type that is named, or whose member is: an extension method has no name of its type beside it.
            SymbolInfo symbol = model.GetSymbolInfo(name);
            ISymbol? used = symbol.Symbol ?? symbol.CandidateSymbols.FirstOrDefault();
            INamedTypeSymbol? type = used as INamedTypeSymbol ?? used?.ContainingType;
            string? file = type?.OriginalDefinition.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath;
            if (file is { Length: > 0 } && FolderOf(file) is { } to && to != from)
            {
                yield return new FolderDependency(from, to, model.SyntaxTree.FilePath, type!.Name);
            }
        }
    }

    private static string FolderOf(string path) =>
        Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder.Replace(Path.DirectorySeparatorChar, '/') : Root;
}
