namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>
/// Skips a test, with its reason, where a program it needs is not installed; with FLOWBEACON_REQUIRE_ALL=1 it fails instead.
/// </summary>
internal static class Requires
{
    public static void Program(string name)
    {
        bool isInstalled = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, name)));
        if (isInstalled)
        {
            return;
        }

        string reason = $"The program '{name}' is not installed.";
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLOWBEACON_REQUIRE_ALL") == "1", reason);
        Assert.Fail(reason);
    }
}
