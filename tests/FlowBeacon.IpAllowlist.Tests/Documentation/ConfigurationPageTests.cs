namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>docs/configuration.md has every setting of the check, and none that it does not have.</summary>
public sealed class ConfigurationPageTests
{
    [Fact]
    public void The_page_has_a_row_for_each_setting_and_no_other()
    {
        string settings = DocumentationSection.Of("configuration.md").Single(section => section.Heading == "Settings").Text;
        IEnumerable<string> rows = settings.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);

        rows.Should().BeEquivalentTo(typeof(IpAllowlistOptions).GetProperties().Select(property => property.Name));
    }
}
