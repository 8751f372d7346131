using System.Globalization;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>docs/problems.md has every problem type of the library, and none that it does not have.</summary>
public sealed class ProblemsPageTests
{
    private static readonly Lazy<IReadOnlyList<ProblemType>> Found = new(() => ProblemTypes.Find());

    [Fact]
    public void The_page_has_each_type_of_the_code_with_its_status_and_title_and_no_other()
    {
        ProblemType[] page = [.. PageRows().Select(row => row.Type)];

        Found.Value.Except(page).Should().BeEmpty("each type of the code has a row");
        page.Except(Found.Value).Should().BeEmpty("each row is a type of the code");
    }

    [Fact]
    public void Each_type_has_one_row_with_a_cause_and_a_remedy()
    {
        IReadOnlyList<(ProblemType Type, string Cause, string Remedy)> rows = PageRows();

        rows.Select(row => row.Type.Name).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(10);
        rows.Should().AllSatisfy(row =>
        {
            row.Cause.Should().EndWith(".");
            row.Remedy.Should().EndWith(".");
        });
    }

    [Theory]
    [InlineData("ip-not-allowed", 403, "IP address not allowed")]   // JSON
    [InlineData("role-required", 403, "Admin or owner role required")]   // an initializer
    [InlineData("key-not-found", 404, "Key not found")]   // an argument
    [InlineData("keys-unavailable", 503, "API keys unavailable")]   // constants of another class
    public void Each_way_to_write_a_type_is_found(string name, int status, string title) =>
        Found.Value.Should().ContainSingle(type => type.Name == name).Which.Should()
            .Be(new ProblemType(name, status, title));

    [Theory]
    [InlineData(""""const string Json = """{"type":"urn:flowbeacon:problems/new","title":"New","status":418,"detail":""";"""")]
    [InlineData("""internal static ProblemJson Of() => new() { Type = "urn:flowbeacon:problems/new", Title = "New", Status = 418 };""")]
    [InlineData("""internal static ProblemJson Of() => new() { Type = Problem.TypePrefix + "new", Title = "New", Status = 418 };""")]
    [InlineData("""internal static Task Of(HttpContext context) => Problem.WriteAsync(context, 418, "new", "New", "");""")]
    public void A_planted_type_is_found(string member) =>
        ProblemTypes.Find(Planted(member)).Except(Found.Value).Should().Equal(new ProblemType("new", 418, "New"));

    [Theory]
    [InlineData("internal static Task Of(HttpContext context, string name) => Problem.WriteAsync(context, 418, name, \"New\", \"\");")]
    [InlineData("internal static string Of(string name) => $\"{Problem.TypePrefix}{name}\";")]
    [InlineData("internal static string Of(object name) => Problem.TypePrefix + name.ToString();")]
    [InlineData("internal static string Of(string name) => string.Concat(Problem.TypePrefix, name);")]
    public void A_planted_type_that_cannot_be_told_is_an_error(string member)
    {
        Action find = () => ProblemTypes.Find(Planted(member));

        find.Should().Throw<InvalidOperationException>().WithMessage("Check/Planted.cs: which problem type is this? *");
    }

    [Fact]
    public void The_page_has_each_code_of_a_conflict_and_no_other()
    {
        string[][] rows = Rows("Codes");

        rows.Select(row => row[0].Trim('`')).Should().BeEquivalentTo(Enum.GetValues<ApiKeyConflictCode>().Select(SnakeCase.Of));
        rows.Should().AllSatisfy(row => row.Should().HaveCount(3).And.OnlyContain(cell => cell.EndsWith('.') || cell.EndsWith('`')));
    }

    private static (string Path, string Text) Planted(string member) => ("Check/Planted.cs", $$"""
        using Microsoft.AspNetCore.Http;
        namespace FlowBeacon.IpAllowlist.Check;
        internal static class Planted { {{member}} }
        """);

    /// <summary>The cells of each row of a section's table.</summary>
    private static string[][] Rows(string heading) =>
    [
        .. DocumentationSection.Of("problems.md").Single(section => section.Heading == heading).Text.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    private static IReadOnlyList<(ProblemType Type, string Cause, string Remedy)> PageRows() =>
    [
        .. from cells in Rows("Types")
           let type = new ProblemType(cells[0].Trim('`'), int.Parse(cells[1], CultureInfo.InvariantCulture), cells[2])
           select (type, cells[3], cells[4]),
    ];
}
