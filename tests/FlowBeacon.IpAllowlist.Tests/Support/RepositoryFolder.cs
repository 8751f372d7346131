namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>The folder of the solution, above the one the tests run in.</summary>
internal static class RepositoryFolder
{
    public static string Combine(params string[] parts) => Path.Combine([Find(), .. parts]);

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FlowBeacon.IpAllowlist.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No repository above {AppContext.BaseDirectory}.");
    }
}
