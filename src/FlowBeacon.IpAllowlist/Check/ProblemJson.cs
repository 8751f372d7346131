using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>A refusal (RFC 9457). Every name is explicit, because a host's naming policy must not change the contract.</summary>
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal record ProblemJson
{
    [JsonPropertyName("type"), JsonPropertyOrder(-1)]
    public required string Type { get; init; }

    [JsonPropertyName("title"), JsonPropertyOrder(-1)]
    public required string Title { get; init; }

    [JsonPropertyName("status"), JsonPropertyOrder(-1)]
    public required int Status { get; init; }

    [JsonPropertyName("detail"), JsonPropertyOrder(-1)]
    public required string Detail { get; init; }
}

[JsonSerializable(typeof(ProblemJson))]
internal sealed partial class ProblemJsonContext : JsonSerializerContext;
