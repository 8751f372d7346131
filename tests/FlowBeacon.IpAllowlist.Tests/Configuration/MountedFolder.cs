using System.Diagnostics;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>
/// A folder as Kubernetes mounts a ConfigMap: each file is a link to <c>..data/file</c>, and <c>..data</c> a link to a folder of the
/// present version. A new version comes into being beside the old one; then the link is replaced in one step and the old folder removed.
/// </summary>
internal sealed class MountedFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("flowbeacon-mount-").FullName;
    private int _version;

    /// <summary>The link to the folder of the present version.</summary>
    public string Data => Path.Combine(_root, "..data");

    public string this[string file] => Path.Combine(_root, file);

    /// <summary>Replaces all files by one, in one step.</summary>
    public void Swap(string file, string text)
    {
        string before = Path.Combine(_root, $"..v{_version}");
        string now = $"..v{++_version}";
        Directory.CreateDirectory(Path.Combine(_root, now));
        File.WriteAllText(Path.Combine(_root, now, file), text);
        Point(now);
        if (!Path.Exists(this[file]))
        {
            File.CreateSymbolicLink(this[file], Path.Combine("..data", file));
        }

        if (Directory.Exists(before))
        {
            Directory.Delete(before, recursive: true);
        }
    }

    /// <summary>Lets the link point elsewhere, in one step.</summary>
    public void Point(string folder)
    {
        string draft = Path.Combine(_root, "..data_tmp");
        Directory.CreateSymbolicLink(draft, folder);

        // File.Move and Directory.Move do not replace a link to a folder.
        using Process move = Process.Start("mv", ["-T", draft, Data]);
        move.WaitForExit();
        move.ExitCode.Should().Be(0);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
