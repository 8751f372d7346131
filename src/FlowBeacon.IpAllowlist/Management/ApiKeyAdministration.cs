namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Who may administer keys.</summary>
public static class ApiKeyAdministration
{
    /// <summary>
    /// The authorization policy of the key administration API. Unless the host defines it, it asks for a signed-in person in the role
    /// <c>admin</c> or <c>owner</c>. Whatever it says, an API key is never admitted.
    /// Authorization of the endpoints themselves (<c>RequireAuthorization</c>, a fallback policy) counts in addition.
    /// </summary>
    public const string PolicyName = "FlowBeaconApiKeyAdministration";
}
