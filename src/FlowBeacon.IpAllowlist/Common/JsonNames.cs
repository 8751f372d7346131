using System.Text.Json;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>The snake_case names of enumeration values in the HTTP API and in metrics.</summary>
internal static class JsonNames
{
    public static string NameFor<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static IEnumerable<string> All<T>()
        where T : struct, Enum => Enum.GetValues<T>().Select(NameFor);

    public static bool TryParse<T>(string? text, out T value)
        where T : struct, Enum
    {
        value = Enum.GetValues<T>().FirstOrDefault(candidate => NameFor(candidate) == text);
        return NameFor(value) == text;
    }
}
