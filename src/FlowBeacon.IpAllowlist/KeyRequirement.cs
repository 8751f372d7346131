namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Endpoint metadata of <c>RequireApiKey()</c> and <c>DisableIpAllowlist()</c>. One type for both, so that the last word wins: an
/// endpoint's own overrides its group's.
/// </summary>
internal sealed class KeyRequirement
{
    public static readonly KeyRequirement Required = new("API key required");
    public static readonly KeyRequirement Disabled = new("IP allowlist disabled");

    private readonly string _name;

    private KeyRequirement(string name) => _name = name;

    public override string ToString() => _name;
}
