namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>A temporary folder of configuration files.</summary>
internal sealed class KeyFolder : IDisposable
{
    public string FullName { get; } = Directory.CreateTempSubdirectory("flowbeacon-keys-").FullName;

    public string this[string file] => Path.Combine(FullName, file);

    /// <summary>Writes a file in one step, so that no watcher sees half of it.</summary>
    public string Write(string file, string text)
    {
        string draft = this[Path.GetRandomFileName()];
        File.WriteAllText(draft, text);
        File.Move(draft, this[file], overwrite: true);
        return this[file];
    }

    public void Delete(string file) => File.Delete(this[file]);

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
