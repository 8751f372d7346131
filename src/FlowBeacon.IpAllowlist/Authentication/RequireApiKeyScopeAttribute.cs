using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Authorization;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Requires an API key with a scope: 401 without a key, 403 <c>Insufficient scope</c> without the scope.
/// <c>RequireApiKeyScope("…")</c> as an attribute, wherever <see cref="AuthorizeAttribute"/> is allowed.
/// </summary>
/// <remarks>
/// Needs <c>AddAuthentication().AddFlowBeaconApiKey()</c> and <c>AddAuthorization()</c>. Like each <see cref="AuthorizeAttribute"/> that
/// names no policy, it also requires the host's default policy, which by default any valid key meets. Several attributes require all of
/// their scopes. A scope that is not in <see cref="IpAllowlistOptions.Scopes"/> stops start-up.
/// </remarks>
public sealed class RequireApiKeyScopeAttribute : AuthorizeAttribute, IAuthorizationRequirementData, IScopeRequirement
{
    private readonly IAuthorizationRequirement[] _requirements;

    /// <summary>Requires a scope.</summary>
    /// <param name="scope">The scope, such as <see cref="ApiKeyScopes.GovernanceEvaluate"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="scope"/> is null or white space.</exception>
    public RequireApiKeyScopeAttribute(string scope)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(scope);
        Scope = scope;
        _requirements = [ScopeAssertion.For(scope)];
        AuthenticationSchemes = ApiKeyAuthenticationDefaults.AuthenticationScheme;
    }

    /// <summary>The scope.</summary>
    public string Scope { get; }

    /// <inheritdoc/>
    public IEnumerable<IAuthorizationRequirement> GetRequirements() => _requirements;
}
