using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// Endpoint metadata of <c>RequireApiKey()</c>, <c>AllowMissingApiKey()</c>, <c>DisableIpAllowlist()</c> and key administration. One type
/// for all, so that endpoint metadata overrides group metadata.
/// </summary>
internal sealed class KeyRequirement
{
    public static readonly KeyRequirement Required = new("API key required");

    /// <summary>
    /// Checked if there is a key, whatever <see cref="IpAllowlistOptions.RequireApiKey"/> says: people come here without one.
    /// </summary>
    public static readonly KeyRequirement Optional = new("API key optional");

    public static readonly KeyRequirement Disabled = new("IP allowlist disabled");

    private readonly string _name;

    private KeyRequirement(string name) => _name = name;

    /// <summary>Whether the endpoint of a request is exempt from the check.</summary>
    public static bool IsDisabledFor(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<KeyRequirement>() == Disabled;

    public override string ToString() => _name;
}
