using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// Describes the requirements of the policy of key administration, which a host may replace, for callers that do not meet it.
/// </summary>
internal static class AdministrationPolicy
{
    /// <summary>The roles of the default policy.</summary>
    public static readonly string[] Roles = ["admin", "owner"];

    /// <summary>Whether a policy requires only a signed-in person in one of the default roles.</summary>
    public static bool IsDefault(AuthorizationPolicy policy)
    {
        IAuthorizationRequirement[] requirements = [.. policy.Requirements.Where(one => one is not DenyAnonymousAuthorizationRequirement)];
        return requirements is [RolesAuthorizationRequirement roles] && roles.AllowedRoles.ToHashSet().SetEquals(Roles);
    }

    /// <summary>
    /// The requirements of a policy in one sentence. It contains roles and claim types, but no values of claims: they may be personal data.
    /// </summary>
    public static string Describe(AuthorizationPolicy policy)
    {
        string[] demands = [.. policy.Requirements.Select(DemandOf).OfType<string>().Distinct()];
        return demands.Length == 0 ? "It requires a signed-in person." : $"It requires {string.Join(", ", demands)}.";
    }

    private static string? DemandOf(IAuthorizationRequirement requirement) => requirement switch
    {
        DenyAnonymousAuthorizationRequirement => null,
        RolesAuthorizationRequirement roles => $"the role {string.Join(" or ", roles.AllowedRoles)}",
        ClaimsAuthorizationRequirement { AllowedValues: { } values } claim when values.Any() =>
            $"a certain value of the claim {claim.ClaimType}",
        ClaimsAuthorizationRequirement claim => $"the claim {claim.ClaimType}",
        _ => "a check of the host's own",
    };
}
