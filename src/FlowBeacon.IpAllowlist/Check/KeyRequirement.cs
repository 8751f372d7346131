using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Whether requests need an API key at an endpoint. Also the endpoint metadata of <c>RequireApiKey()</c>, <c>AllowMissingApiKey()</c>,
/// <c>DisableIpAllowlist()</c> and key administration.
/// </summary>
internal sealed class KeyRequirement : IKeyRequirementMetadata
{
    public static readonly KeyRequirement Required = new("API key required");

    /// <summary>
    /// Checked if there is a key, regardless of <see cref="IpAllowlistOptions.RequireApiKey"/>: for endpoints that people use without one.
    /// </summary>
    public static readonly KeyRequirement Optional = new("API key optional");

    public static readonly KeyRequirement Disabled = new("IP allowlist disabled");

    private readonly string _name;

    private KeyRequirement(string name) => _name = name;

    KeyRequirement IKeyRequirementMetadata.Requirement => this;

    /// <summary>The requirement of an endpoint; null if it has none.</summary>
    public static KeyRequirement? Of(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<IKeyRequirementMetadata>()?.Requirement;

    /// <summary>Whether the endpoint of a request is exempt from the check.</summary>
    public static bool IsDisabledFor(HttpContext context) => Of(context.GetEndpoint()) == Disabled;

    public override string ToString() => _name;
}
