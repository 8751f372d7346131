using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// The authorization that a host adds to endpoints of this library. Their own <c>AllowAnonymous</c> makes the framework skip it, so it is
/// enforced here, independent of the position of the authorization middleware.
/// </summary>
internal static class EndpointAuthorization
{
    /// <summary>
    /// The requirements of the request's endpoint, combined as in the framework's authorization middleware: named policies, roles and
    /// schemes (<see cref="IAuthorizeData"/>), policy objects, and requirements (<see cref="IAuthorizationRequirementData"/>).
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="orFallback">Whether the host's fallback policy counts where the endpoint names no policy.</param>
    /// <returns>One policy, or null if there is no requirement.</returns>
    /// <exception cref="InvalidOperationException">A policy that is named does not exist.</exception>
    public static async Task<AuthorizationPolicy?> PolicyOfAsync(HttpContext context, bool orFallback)
    {
        EndpointMetadataCollection metadata = context.GetEndpoint()?.Metadata ?? EndpointMetadataCollection.Empty;
        IReadOnlyList<IAuthorizeData> data = metadata.GetOrderedMetadata<IAuthorizeData>();
        IReadOnlyList<AuthorizationPolicy> policies = metadata.GetOrderedMetadata<AuthorizationPolicy>();
        AuthorizationPolicy? policy = null;
        if (orFallback || data.Count > 0 || policies.Count > 0)
        {
            policy = await AuthorizationPolicy.CombineAsync(
                context.RequestServices.GetRequiredService<IAuthorizationPolicyProvider>(), data, policies);
        }

        IAuthorizationRequirement[] requirements =
            [.. metadata.GetOrderedMetadata<IAuthorizationRequirementData>().SelectMany(candidate => candidate.GetRequirements())];
        if (requirements.Length == 0)
        {
            return policy;
        }

        AuthorizationPolicyBuilder builder = policy is null ? new AuthorizationPolicyBuilder() : new AuthorizationPolicyBuilder(policy);
        return builder.AddRequirements(requirements).Build();
    }

    /// <summary>
    /// Runs a handler that needs no authorization of its own. Explicit requirements of the host are enforced as in the framework; a
    /// fallback policy, which is for endpoints without authorization metadata, does not apply.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="handler">The handler.</param>
    public static async Task RunAsync(HttpContext context, RequestDelegate handler)
    {
        IReadOnlyList<IAllowAnonymous> opened = context.GetEndpoint()?.Metadata.GetOrderedMetadata<IAllowAnonymous>() ?? [];
        if (opened.Any(by => by is not OpenByItself) || await PolicyOfAsync(context, orFallback: false) is not { } policy)
        {
            await handler(context);
            return;
        }

        IPolicyEvaluator evaluator = context.RequestServices.GetRequiredService<IPolicyEvaluator>();
        PolicyAuthorizationResult result = await evaluator.AuthorizeAsync(
            policy, await evaluator.AuthenticateAsync(policy, context), context, resource: context);
        IAuthorizationMiddlewareResultHandler answer = context.RequestServices.GetRequiredService<IAuthorizationMiddlewareResultHandler>();
        await answer.HandleAsync(handler, context, policy, result);
    }

    /// <summary>
    /// Exempts an endpoint from a fallback policy. A type of its own, because the <c>AllowAnonymous()</c> of a host also removes
    /// the host's requirements.
    /// </summary>
    public sealed class OpenByItself : IAllowAnonymous
    {
        public override string ToString() => "Anonymous unless the host requires more";
    }
}
