using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>A JSON file that counts reads: of values, of names below a path, and of the file.</summary>
internal sealed class CountingConfigurationSource : JsonConfigurationSource
{
    private readonly PhysicalFileProvider _files;

    public CountingConfigurationSource(string folder, string file)
    {
        _files = new PhysicalFileProvider(folder);
        FileProvider = new CountingFiles(this);
        Path = file;
    }

    /// <summary>How often a value was read, which takes constant time.</summary>
    public int Values { get; private set; }

    /// <summary>How often names below a path were read. Each time the provider goes through all of its data.</summary>
    public int Listings { get; private set; }

    /// <summary>How often the file was opened.</summary>
    public int Openings { get; private set; }

    public override IConfigurationProvider Build(IConfigurationBuilder builder) => new CountingProvider(this);

    private sealed class CountingProvider(CountingConfigurationSource source) : JsonConfigurationProvider(source)
    {
        public override bool TryGet(string key, out string? value)
        {
            source.Values++;
            return base.TryGet(key, out value);
        }

        public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath)
        {
            source.Listings++;
            return base.GetChildKeys(earlierKeys, parentPath);
        }
    }

    private sealed class CountingFiles(CountingConfigurationSource source) : IFileProvider
    {
        public IDirectoryContents GetDirectoryContents(string subpath) => source._files.GetDirectoryContents(subpath);

        public IFileInfo GetFileInfo(string subpath)
        {
            source.Openings++;
            return source._files.GetFileInfo(subpath);
        }

        public IChangeToken Watch(string filter) => source._files.Watch(filter);
    }
}
