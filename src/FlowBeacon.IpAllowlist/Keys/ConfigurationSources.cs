using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>
/// Asks single configuration providers what the merged view hides: who feeds a list, and how an empty value was written.
/// </summary>
internal static class ConfigurationSources
{
    private static readonly JsonDocumentOptions AsTheProviderReads = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>All providers, those of chained configurations included, in the order in which they override each other.</summary>
    public static IEnumerable<IConfigurationProvider> Providers(IConfigurationRoot root) => root.Providers.SelectMany(provider =>
        provider is ChainedConfigurationProvider { Configuration: IConfigurationRoot chained } ? Providers(chained) : [provider]);

    /// <summary>Whether a provider says anything at a path or below it.</summary>
    public static bool Feeds(IConfigurationProvider provider, string path) =>
        provider.TryGet(path, out _) || provider.GetChildKeys([], path).Any();

    /// <summary>Whether a JSON file has <c>[]</c> at a path.</summary>
    public static bool IsEmptyJsonArray(IConfigurationProvider provider, string path) =>
        Ask(provider, path, element => element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 0);

    /// <summary>Whether a JSON file has an object at a path.</summary>
    public static bool IsJsonObject(IConfigurationProvider provider, string path) =>
        Ask(provider, path, element => element.ValueKind == JsonValueKind.Object);

    /// <summary>
    /// Asks a provider's JSON file again. The framework reports <c>[]</c> like <c>""</c> and <c>{}</c> like <c>null</c>, and only one of each
    /// may turn a check off or leave no keys. False for every other kind of provider, which cannot tell.
    /// </summary>
    private static bool Ask(IConfigurationProvider provider, string path, Predicate<JsonElement> question)
    {
        if (provider is not JsonConfigurationProvider { Source: { FileProvider: { } files, Path: { } file } })
        {
            return false;
        }

        try
        {
            using Stream stream = files.GetFileInfo(file).CreateReadStream();
            using var document = JsonDocument.Parse(stream, AsTheProviderReads);
            return Find(document.RootElement, path) is { } found && question(found);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // The file changed since it was loaded. Its next load will be read again.
            return false;
        }
    }

    private static JsonElement? Find(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (member.Name.Equals(path, StringComparison.OrdinalIgnoreCase))
            {
                return member.Value;
            }

            // A member's own name may hold colons, which the framework counts as steps of the path.
            if (path.StartsWith(member.Name + ConfigurationPath.KeyDelimiter, StringComparison.OrdinalIgnoreCase)
                && Find(member.Value, path[(member.Name.Length + 1)..]) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
