namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The published scopes of FlowBeacon's API: the default (<see cref="IpAllowlistOptions.Scopes"/>).
/// </summary>
public static class ApiKeyScopes
{
    /// <summary>Read reports and decisions: <c>governance:read</c>.</summary>
    public const string GovernanceRead = "governance:read";

    /// <summary>Ask for decisions: <c>governance:evaluate</c>.</summary>
    public const string GovernanceEvaluate = "governance:evaluate";

    /// <summary>Administer governance: <c>admin</c>. It gives no access to key administration, which is for signed-in people.</summary>
    public const string Admin = "admin";

    /// <summary>All three.</summary>
    public static IReadOnlyList<string> All { get; } = [GovernanceRead, GovernanceEvaluate, Admin];
}
