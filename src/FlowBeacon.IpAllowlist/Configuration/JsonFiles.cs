using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>
/// Reads the JSON files of providers again, each file once. The framework turns <c>[]</c> into <c>""</c> and <c>{}</c> into <c>null</c>,
/// but only <c>[]</c> may turn a check off and only <c>{}</c> may mean no keys.
/// </summary>
internal sealed class JsonFiles
{
    private static readonly JsonDocumentOptions SameAsProvider = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    private readonly Dictionary<IConfigurationProvider, Dictionary<string, JsonValueKind>> _kindsByPath = [];

    /// <summary>Whether a provider's file has <c>[]</c> at a path. False if there is no such file.</summary>
    public bool HasEmptyArray(IConfigurationProvider provider, string path) => KindAt(provider, path) == JsonValueKind.Array;

    /// <summary>Whether a provider's file has an object at a path. False if there is no such file.</summary>
    public bool HasObject(IConfigurationProvider provider, string path) => KindAt(provider, path) == JsonValueKind.Object;

    private JsonValueKind KindAt(IConfigurationProvider provider, string path)
    {
        if (!_kindsByPath.TryGetValue(provider, out Dictionary<string, JsonValueKind>? kinds))
        {
            kinds = new Dictionary<string, JsonValueKind>(StringComparer.OrdinalIgnoreCase);
            Read(provider, kinds);
            _kindsByPath.Add(provider, kinds);
        }

        return kinds.GetValueOrDefault(path);
    }

    private static void Read(IConfigurationProvider provider, Dictionary<string, JsonValueKind> kinds)
    {
        if (provider is not JsonConfigurationProvider { Source: { FileProvider: { } files, Path: { } file } })
        {
            return;
        }

        try
        {
            using Stream stream = files.GetFileInfo(file).CreateReadStream();
            using var document = JsonDocument.Parse(stream, SameAsProvider);
            Read(document.RootElement, null, kinds);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // The file changed since it was loaded. Its next load will be read again.
            kinds.Clear();
        }
    }

    private static void Read(JsonElement element, string? path, Dictionary<string, JsonValueKind> kinds)
    {
        if (path is not null)
        {
            // A path may occur twice, in different casing. It then counts only if both values have the same kind.
            bool hasEntries = element.ValueKind == JsonValueKind.Array && element.GetArrayLength() > 0;
            JsonValueKind kind = hasEntries ? JsonValueKind.Undefined : element.ValueKind;
            kinds[path] = !kinds.TryGetValue(path, out JsonValueKind before) || before == kind ? kind : JsonValueKind.Undefined;
        }

        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in element.EnumerateObject())
            {
                // The name of a member may contain colons, which the framework treats as path separators.
                Read(member.Value, path is null ? member.Name : ConfigurationPath.Combine(path, member.Name), kinds);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            // Most items are texts, which have no children.
            foreach ((int index, JsonElement item) in element.EnumerateArray().Index())
            {
                if (item.ValueKind == JsonValueKind.Object)
                {
                    string name = index.ToString(CultureInfo.InvariantCulture);
                    Read(item, path is null ? name : ConfigurationPath.Combine(path, name), kinds);
                }
            }
        }
    }
}
