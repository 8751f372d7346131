using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Authentication;

/// <summary>
/// Answers before other schemes do: where authorization refuses a request whose key is invalid or comes from a foreign address, the
/// answer is our 401 or 403, whichever schemes the policy names. Everything else goes on to the host's own handler.
/// </summary>
internal sealed class ApiKeyAuthorizationResultHandler(
    IAuthorizationMiddlewareResultHandler inner, IpAllowlistEvaluator evaluator, IpAllowlistRefusal refusal) : IAuthorizationMiddlewareResultHandler
{
    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        bool isChecked = context.GetEndpoint()?.Metadata.GetMetadata<KeyRequirement>() != KeyRequirement.Disabled;
        if (isChecked && !authorizeResult.Succeeded && await TryRefuseAsync(context))
        {
            return;
        }

        string[] others = [.. policy.AuthenticationSchemes.Where(scheme => scheme != ApiKeyAuthenticationDefaults.AuthenticationScheme)];
        if (!authorizeResult.Succeeded && others.Length > 0 && others.Length < policy.AuthenticationSchemes.Count)
        {
            await LetOneSideRefuseAsync(context, authorizeResult, others);
            return;
        }

        await inner.HandleAsync(next, context, policy, authorizeResult);
    }

    /// <summary>
    /// The policy names ours and other schemes, and by itself the framework lets each of them answer: the next one could no longer change
    /// what ours wrote. So ours answers whoever came with a key, the others everybody else.
    /// </summary>
    private async Task LetOneSideRefuseAsync(HttpContext context, PolicyAuthorizationResult authorizeResult, string[] others)
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context, takingUp: null);
        string[] schemes = authorizeResult.Forbidden && evaluation.Key is not null ? [ApiKeyAuthenticationDefaults.AuthenticationScheme] : others;
        foreach (string scheme in schemes)
        {
            await (authorizeResult.Forbidden ? context.ForbidAsync(scheme) : context.ChallengeAsync(scheme));
        }
    }

    private async Task<bool> TryRefuseAsync(HttpContext context)
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context, takingUp: null);
        if (evaluation.Outcome is not (IpAllowlistOutcome.Denied or IpAllowlistOutcome.InvalidKey))
        {
            return false;
        }

        evaluation = await evaluator.EvaluateAsync(context, takingUp: refusal);
        await (evaluation.Outcome == IpAllowlistOutcome.Denied ? refusal.DeniedAsync(context, evaluation) : refusal.InvalidKeyAsync(context));
        return true;
    }
}
