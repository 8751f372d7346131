using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The values of an enumeration in snake_case. Numbers are refused.</summary>
internal sealed class SnakeCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
