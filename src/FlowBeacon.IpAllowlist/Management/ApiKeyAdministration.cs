namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The authorization of key administration.</summary>
public static class ApiKeyAdministration
{
    /// <summary>
    /// The authorization policy of the key administration API. Unless the host defines it, it requires a signed-in person in the role
    /// <c>admin</c> or <c>owner</c>. API keys are not admitted under any policy. Authorization of the endpoints themselves
    /// (<c>RequireAuthorization</c>, a fallback policy) applies in addition.
    /// </summary>
    public const string PolicyName = "FlowBeaconApiKeyAdministration";
}
