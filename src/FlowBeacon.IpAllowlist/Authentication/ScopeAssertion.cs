using Microsoft.AspNetCore.Authorization.Infrastructure;

namespace FlowBeacon.IpAllowlist.Authentication;

/// <summary>The requirement that a request came with a key that has a scope.</summary>
internal static class ScopeAssertion
{
    /// <summary>Looks at identities that our scheme made, so that a claim of another scheme is no scope of a key.</summary>
    public static AssertionRequirement For(string scope) => new(authorization => authorization.User.Identities.Any(identity =>
        identity.AuthenticationType == ApiKeyAuthenticationDefaults.AuthenticationScheme
        && identity.HasClaim(ApiKeyAuthenticationDefaults.ScopeClaim, scope)));
}
