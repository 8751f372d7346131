using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>The links of Markdown files to each other, with the anchors that GitHub gives to headings.</summary>
internal static partial class MarkdownLinks
{
    /// <summary>The links of a file that are not to other sites.</summary>
    public static IReadOnlyList<string> Relative(string file) =>
    [
        .. Link().Matches(InlineCode().Replace(WithoutBlocks(file), "")).Select(link => link.Groups["target"].Value)
            .Where(target => !Scheme().IsMatch(target)),
    ];

    /// <summary>The links of a file that lead to no file or folder, or to no heading of the file.</summary>
    public static IReadOnlyList<string> Broken(string file) =>
        [.. Relative(file).Where(target => !LeadsSomewhere(file, target)).Select(target => $"{file}: {target}")];

    private static bool LeadsSomewhere(string file, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? file : Path.GetFullPath(parts[0], Path.GetDirectoryName(file)!);
        return parts.Length == 1 ? File.Exists(path) || Directory.Exists(path) : File.Exists(path) && Anchors(path).Contains(parts[1]);
    }

    private static HashSet<string> Anchors(string file)
    {
        var anchors = new HashSet<string>(StringComparer.Ordinal);
        foreach (Match heading in Heading().Matches(WithoutBlocks(file)))
        {
            string anchor = Punctuation().Replace(heading.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-');
            string unique = anchor;
            for (int count = 1; !anchors.Add(unique); count++)
            {
                unique = $"{anchor}-{count}";
            }
        }

        return anchors;
    }

    private static string WithoutBlocks(string file) => Block().Replace(File.ReadAllText(file), "");

    [GeneratedRegex("^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    // A link's text may be code, as in [`Type`](file): only code with a link inside is left out.
    [GeneratedRegex(@"`[^`\n]*\]\([^`\n]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^[a-z]+:")]
    private static partial Regex Scheme();

    [GeneratedRegex("^#{1,6} +(?<text>.*?) *$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N}\- _]")]
    private static partial Regex Punctuation();
}
