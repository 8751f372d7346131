using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>What the policy of key administration demands, which a host may define otherwise, in words for those who fail it.</summary>
internal static class AdministrationPolicy
{
    /// <summary>The roles of the policy of a host that defines none.</summary>
    public static readonly string[] Roles = ["admin", "owner"];

    /// <summary>Whether a policy demands one of the default roles and nothing else of a signed-in person.</summary>
    public static bool IsDefault(AuthorizationPolicy policy)
    {
        IAuthorizationRequirement[] requirements = [.. policy.Requirements.Where(one => one is not DenyAnonymousAuthorizationRequirement)];
        return requirements is [RolesAuthorizationRequirement roles] && roles.AllowedRoles.ToHashSet().SetEquals(Roles);
    }

    /// <summary>
    /// One sentence about what a policy demands. Roles and claim types are named. Values of claims are not: they may be somebody's data.
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
        _ => "what the host itself checks",
    };
}
