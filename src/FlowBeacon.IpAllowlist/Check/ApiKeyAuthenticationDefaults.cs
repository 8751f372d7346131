namespace FlowBeacon.IpAllowlist;

/// <summary>Names of the API-key authentication scheme and its claims.</summary>
public static class ApiKeyAuthenticationDefaults
{
    /// <summary>The scheme: <c>FlowBeaconApiKey</c>.</summary>
    public const string AuthenticationScheme = "FlowBeaconApiKey";

    /// <summary>The claim that holds a scope; one for each.</summary>
    public const string ScopeClaim = "scope";

    /// <summary>The claim that holds the first 12 characters of the raw key that was presented.</summary>
    public const string PrefixClaim = "api_key_prefix";
}
