using System.ComponentModel;
using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>A refusal (RFC 9457). Every name is explicit, because a host's naming policy must not change the contract.</summary>
[JsonNumberHandling(JsonNumberHandling.Strict)]
internal record ProblemJson
{
    [JsonPropertyName("type"), JsonPropertyOrder(-1), Description("Identifies the kind of problem: urn:flowbeacon:problems/ and its name.")]
    public required string Type { get; init; }

    [JsonPropertyName("title"), JsonPropertyOrder(-1), Description("The published title of that kind.")]
    public required string Title { get; init; }

    [JsonPropertyName("status"), JsonPropertyOrder(-1), Description("The status of the answer.")]
    public required int Status { get; init; }

    [JsonPropertyName("detail"), JsonPropertyOrder(-1), Description("What happened this time, and the remedy.")]
    public required string Detail { get; init; }
}

/// <summary>The refusal of an address, or of a key without the scope.</summary>
[JsonNumberHandling(JsonNumberHandling.Strict)]
[Description("A refusal of the client address, or of a key that lacks a scope (RFC 9457).")]
internal sealed record DeniedProblemJson : ProblemJson
{
    [JsonPropertyName("client_ip")]
    [Description("The client address that the server saw; null if there was none. Absent if the host hides it, and for a scope.")]
    public string? ClientIp { get; init; }
}

[JsonSerializable(typeof(ProblemJson))]
[JsonSerializable(typeof(DeniedProblemJson))]
internal sealed partial class ProblemJsonContext : JsonSerializerContext;
