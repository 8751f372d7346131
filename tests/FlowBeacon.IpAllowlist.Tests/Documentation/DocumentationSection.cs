using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>A section of a page of docs/, with its heading of the second level.</summary>
internal sealed partial record DocumentationSection(string Heading, string Text)
{
    /// <summary>The sections of a page.</summary>
    public static IReadOnlyList<DocumentationSection> Of(string file) =>
    [
        .. File.ReadAllText(RepositoryFolder.Combine("docs", file)).Split("\n## ").Skip(1)
            .Select(text => new DocumentationSection(text[..text.IndexOf('\n', StringComparison.Ordinal)], text)),
    ];

    /// <summary>The blocks of code in some language.</summary>
    public IReadOnlyList<string> Blocks(string language) =>
        [.. Block().Matches(Text).Where(block => block.Groups["language"].Value == language).Select(block => block.Groups["text"].Value)];

    [GeneratedRegex("^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
