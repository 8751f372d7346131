
namespace FlowBeacon.IpAllowlist.Tests.Architecture;

/// <summary>Between the folders of the library, dependencies run one way.</summary>
public sealed class LayeringTests
{
    /// <summary>What each folder may use. Nothing uses the root: it composes the rest.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Common"] = [],
        ["Addresses"] = ["Common"],
        ["Keys"] = ["Common", "Addresses"],
        ["Traffic"] = ["Common", "Addresses", "Keys"],
        ["Diagnostics"] = ["Common", "Addresses", "Keys", "Traffic"],
        ["Configuration"] = ["Common", "Addresses", "Keys", "Diagnostics"],
        ["Check"] = ["Common", "Addresses", "Keys", "Traffic", "Diagnostics"],
        ["Authentication"] = ["Addresses", "Keys", "Check"],
        ["Management"] = ["Common", "Addresses", "Keys", "Traffic", "Diagnostics"],
        ["Management/Http"] = ["Common", "Addresses", "Keys", "Traffic", "Diagnostics", "Management", "Check"],
    };

    [Fact]
    public void Each_folder_uses_only_allowed_folders()
    {
        IReadOnlyList<FolderDependency> found = FolderDependencies.Find();

        string.Join('\n', Unwanted(found).Select(use => use.ToString())).Should().BeEmpty();
        found.Select(use => use.From).Distinct().Should().BeEquivalentTo([.. Allowed.Keys.Except(["Common"]), FolderDependencies.Root]);
    }

    [Theory]
    [InlineData("Addresses/Planted.cs", "internal static class Planted { public static object? Of(ApiKey key) => key.Id; }", "Keys")]
    [InlineData("Keys/Planted.cs", "internal static class Planted { public static object Of() => new IpAllowlistOptions(); }", "root")]
    [InlineData(
        "Management/Planted.cs", "internal static class Planted { public static object Of(Check.IpAllowlistEvaluator check) => check; }",
        "Check")]
    [InlineData(
        "New/Planted.cs", "internal static class Planted { public static object Of(Common.CoarseClock clock) => clock.Now; }", "Common")]
    public void A_planted_dependency_is_found(string path, string source, string to) =>
        Unwanted(FolderDependencies.Find((path, $"namespace FlowBeacon.IpAllowlist;\n{source}"))).Should()
            .Contain(use => use.File == path && use.To == to);

    private static FolderDependency[] Unwanted(IEnumerable<FolderDependency> found) =>
        [
            .. found.Where(use => use.From != FolderDependencies.Root
                && !(Allowed.TryGetValue(use.From, out string[]? allowed) && allowed.Contains(use.To))),
        ];
}
