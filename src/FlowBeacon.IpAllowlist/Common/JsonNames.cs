using System.Text.Json;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>How the HTTP API spells the values of enumerations: snake_case.</summary>
internal static class JsonNames
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static IEnumerable<string> All<T>()
        where T : struct, Enum => Enum.GetValues<T>().Select(Of);

    public static bool TryParse<T>(string? text, out T value)
        where T : struct, Enum
    {
        value = Enum.GetValues<T>().FirstOrDefault(candidate => Of(candidate) == text);
        return Of(value) == text;
    }
}
