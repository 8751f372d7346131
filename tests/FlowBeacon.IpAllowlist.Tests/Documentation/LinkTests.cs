using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>The links between the README, the other pages at the root and the guides.</summary>
public sealed class LinkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("flowbeacon-links-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_link_leads_to_a_file_and_a_heading_of_it()
    {
        string[] pages =
        [
            .. Directory.GetFiles(RepositoryFolder.Combine(), "*.md"),
            .. Directory.GetFiles(RepositoryFolder.Combine("docs"), "*.md", SearchOption.AllDirectories),
        ];

        pages.Select(Path.GetFileName).Should().Contain(["README.md", "keys.md", "client-address.md"]);
        pages.SelectMany(MarkdownLinks.Relative).Count().Should().BeGreaterThan(40);
        pages.SelectMany(MarkdownLinks.Broken).Should().BeEmpty();
    }

    [Fact]
    public void The_readme_leads_to_every_guide()
    {
        IEnumerable<string> guides = Directory.GetFiles(RepositoryFolder.Combine("docs"), "*.md", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(RepositoryFolder.Combine(), file).Replace('\\', '/'));

        MarkdownLinks.Relative(RepositoryFolder.Combine("README.md")).Should().Contain(guides);
    }

    [Theory]
    [InlineData("page.md")]
    [InlineData("page.md#a-heading-of-two-words")]
    [InlineData("page.md#the-methods-get-and-head")]
    [InlineData("page.md#twice")]
    [InlineData("page.md#twice-1")]
    [InlineData("#of-this-page")]
    [InlineData("folder/")]
    [InlineData("https://example.com/none#such")]
    public void A_link_that_leads_somewhere_is_not_broken(string link) => MarkdownLinks.Broken(WriteLink(link)).Should().BeEmpty();

    [Theory]
    [InlineData("none.md")]
    [InlineData("Page.md")]
    [InlineData("folder/page.md")]
    [InlineData("page.md#none")]
    [InlineData("page.md#A-heading-of-two-words")]
    [InlineData("page.md#not-a-heading")]
    [InlineData("page.md#twice-2")]
    [InlineData("#none")]
    public void A_link_that_leads_nowhere_is_broken(string link) =>
        MarkdownLinks.Broken(WriteLink(link)).Should().ContainSingle().Which.Should().EndWith($": {link}");

    [Fact]
    public void Text_in_a_block_of_code_is_not_a_link()
    {
        string file = Path.Combine(_folder, "code.md");
        File.WriteAllText(file, "```sh\n[a](none.md)\n```\n\n`[b](none.md)`\n");

        MarkdownLinks.Relative(file).Should().BeEmpty();
    }

    private string WriteLink(string link)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "folder"));
        File.WriteAllText(
            Path.Combine(_folder, "page.md"),
            "# A heading: of two words?\n\n## The methods `GET` and `HEAD`\n\n## Twice\n\n## Twice\n\n```sh\n# Not a heading\n```\n");
        string file = Path.Combine(_folder, "links.md");
        File.WriteAllText(file, $"# Links\n\n## Of this page\n\nSee\n[a page]({link}).\n");
        return file;
    }
}
