using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Check;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Requires an API key at endpoints and groups, makes it optional, or exempts them from the check.</summary>
/// <remarks>
/// Endpoint metadata overrides group metadata. An attribute of the handler or action, such as <see cref="RequireApiKeyAttribute"/>,
/// overrides both.
/// </remarks>
public static class IpAllowlistEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Answers requests without a valid key with 401. The host's OpenAPI document describes that and the 403, each with its schema.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// The endpoint fails closed: a request that reaches it without passing <c>UseFlowBeaconIpAllowlist()</c> behind routing ends in an
    /// <see cref="InvalidOperationException"/> with the remedy.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder RequireApiKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => RunOnlyIfChecked(endpoint, KeyRequirement.Required));
        RefusalResponses.Describe(builder);
        return builder;
    }

    /// <summary>
    /// Lets requests without a key pass, regardless of <see cref="IpAllowlistOptions.RequireApiKey"/> or a group. A presented key is still
    /// checked.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>The endpoint fails closed, as with <see cref="RequireApiKey{TBuilder}"/>.</remarks>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder AllowMissingApiKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => RunOnlyIfChecked(endpoint, KeyRequirement.Optional));
        return builder;
    }

    /// <summary>Lets requests pass unchecked, with or without a key.</summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder DisableIpAllowlist<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => AddMetadata(endpoint, KeyRequirement.Disabled));
        return builder;
    }

    /// <summary>Requires an API key with a scope: 401 without a key, 403 <c>Insufficient scope</c> without the scope.</summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <param name="scope">The scope, such as <see cref="ApiKeyScopes.GovernanceEvaluate"/>.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// Needs <c>AddAuthentication().AddFlowBeaconApiKey()</c> and <c>AddAuthorization()</c>. A scope that is not in
    /// <see cref="IpAllowlistOptions.Scopes"/> stops start-up.
    /// </remarks>
    /// <exception cref="ArgumentException"><paramref name="scope"/> is null or white space.</exception>
    public static TBuilder RequireApiKeyScope<TBuilder>(this TBuilder builder, string scope)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(scope);
        builder.Add(endpoint => endpoint.Metadata.Add(new ScopeRequirement(scope)));
        RefusalResponses.Describe(builder);
        return builder.RequireAuthorization(policy => policy
            .AddAuthenticationSchemes(ApiKeyAuthenticationDefaults.AuthenticationScheme)
            .RequireAuthenticatedUser()
            .AddRequirements(ScopeAssertion.For(scope)));
    }

    private static void RunOnlyIfChecked(EndpointBuilder endpoint, KeyRequirement requirement)
    {
        AddMetadata(endpoint, requirement);
        if (endpoint.RequestDelegate is { } next)
        {
            endpoint.RequestDelegate = EndpointGuard.Around(next);
        }
    }

    /// <summary>
    /// Adds metadata that attributes of the handler or action override: <c>MapControllers()</c> is outside all of them.
    /// </summary>
    private static void AddMetadata(EndpointBuilder endpoint, KeyRequirement requirement)
    {
        int place = 0;
        while (place < endpoint.Metadata.Count && endpoint.Metadata[place] is not (IKeyRequirementMetadata and Attribute))
        {
            place++;
        }

        endpoint.Metadata.Insert(place, requirement);
    }
}
