using Microsoft.AspNetCore.Authorization.Infrastructure;

namespace FlowBeacon.IpAllowlist.Authentication;

/// <summary>The requirement that a request came with a key that has a scope.</summary>
internal static class ScopeAssertion
{
    /// <summary>Reads only identities of our scheme, so that a claim of another scheme cannot count as a scope.</summary>
    public static AssertionRequirement For(string scope) => new(authorization => authorization.User.Identities.Any(identity =>
        identity.AuthenticationType == ApiKeyAuthenticationDefaults.AuthenticationScheme
        && identity.HasClaim(ApiKeyAuthenticationDefaults.ScopeClaim, scope)));
}
