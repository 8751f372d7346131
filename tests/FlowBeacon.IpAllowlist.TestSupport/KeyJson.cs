using FlowBeacon.IpAllowlist.Configuration;
using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Texts of configuration files with keys.</summary>
internal static class KeyJson
{
    public const string Section = "FlowBeacon:Keys";

    /// <summary>The default rules.</summary>
    public static ConfigurationKeyRules Rules { get; } = new(new ScopeRules(ApiKeyScopes.All), RequireAllowlist: false, Ranges: null);

    /// <summary>A raw key that no other call returns.</summary>
    public static string NewRawKey() =>
        "fb_live_" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(24));

    public static string Hash(string rawKey) => ApiKeyHash.Compute(rawKey).ToString();

    /// <summary>A named key; the list is given as JSON, further members as JSON that begins with a comma.</summary>
    public static string Key(string name, string rawKey, string allowedIps = "[]", string more = "") =>
        $$""" "{{name}}": { "Hash": "{{Hash(rawKey)}}", "AllowedIps": {{allowedIps}}{{more}} } """;

    /// <summary>A file with named keys.</summary>
    public static string File(params string[] keys) => WithSection($"{{ {string.Join(", ", keys)} }}");

    /// <summary>A file in which the section of keys is the given JSON.</summary>
    public static string WithSection(string json) => $$"""{ "FlowBeacon": { "Keys": {{json}} } }""";
}
