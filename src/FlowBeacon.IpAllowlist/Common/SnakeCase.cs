using System.Text.Json;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>The names of enumeration values in metrics, queries and messages, as in JSON.</summary>
internal static class SnakeCase
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>All of them, such as <c>active, expired, disabled or revoked</c>.</summary>
    public static string Choices<T>()
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetValues<T>().Select(Of)];
        return $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }
}
