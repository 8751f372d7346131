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
        if (authorizeResult.Challenged && others.Length > 0 && others.Length < policy.AuthenticationSchemes.Count)
        {
            // Nobody presented a key, and our challenge would write an answer that the next scheme could no longer change.
            foreach (string scheme in others)
            {
                await context.ChallengeAsync(scheme);
            }

            return;
        }

        await inner.HandleAsync(next, context, policy, authorizeResult);
    }

    private async Task<bool> TryRefuseAsync(HttpContext context)
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context, takingUp: null);
        if (evaluation.Outcome is not (IpAllowlistOutcome.Denied or IpAllowlistOutcome.InvalidKey))
        {
            return false;
        }

        if (evaluation.TakenUpBy is null)
        {
            evaluation = await evaluator.EvaluateAsync(context, takingUp: refusal);
        }

        await (evaluation.Outcome == IpAllowlistOutcome.Denied ? refusal.DeniedAsync(context, evaluation) : refusal.InvalidKeyAsync(context));
        return true;
    }
}
