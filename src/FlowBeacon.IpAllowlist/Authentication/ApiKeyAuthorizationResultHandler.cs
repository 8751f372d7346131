using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Authentication;

/// <summary>
/// Takes precedence over other schemes: if authorization refuses a request whose key is invalid or not allowed from its address, the answer
/// is our 401 or 403, whichever schemes the policy has. If authorization admits a principal of ours, its key and the client address are
/// derived again, because both may have changed since authentication. All other cases go to the host's own handler.
/// </summary>
internal sealed class ApiKeyAuthorizationResultHandler(
    IAuthorizationMiddlewareResultHandler inner, IpAllowlistEvaluator evaluator, IpAllowlistRecorder recorder, RefusalWriter refusal)
    : IAuthorizationMiddlewareResultHandler
{
    public async Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (await TryRefuseAsync(context, authorizeResult.Succeeded))
        {
            return;
        }

        string[] others = [.. policy.AuthenticationSchemes.Where(scheme => scheme != ApiKeyAuthenticationDefaults.AuthenticationScheme)];
        if (!authorizeResult.Succeeded && others.Length > 0 && others.Length < policy.AuthenticationSchemes.Count)
        {
            await ForbidOrChallengeAsync(context, authorizeResult, others);
            return;
        }

        await inner.HandleAsync(next, context, policy, authorizeResult);
    }

    /// <summary>
    /// The policy has our scheme and others. The framework would challenge all of them, although only one can write the response. So our
    /// scheme answers requests with a key, and the others answer all other requests.
    /// </summary>
    private async Task ForbidOrChallengeAsync(HttpContext context, PolicyAuthorizationResult authorizeResult, string[] others)
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context);
        string[] schemes = authorizeResult.Forbidden && evaluation.Key is not null
            ? [ApiKeyAuthenticationDefaults.AuthenticationScheme]
            : others;
        foreach (string scheme in schemes)
        {
            await (authorizeResult.Forbidden ? context.ForbidAsync(scheme) : context.ChallengeAsync(scheme));
        }
    }

    private async Task<bool> TryRefuseAsync(HttpContext context, bool isAuthorized)
    {
        bool hasPrincipal = RequestState.Get(context)?.Authenticated is not null;
        bool isChecked = !KeyRequirement.IsDisabledFor(context);
        if (!hasPrincipal && (isAuthorized || !isChecked))
        {
            return false;
        }

        IpAllowlistFeature? earlier = IpAllowlistFeature.Get(context);
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context, earlier);
        if (RequestState.Get(context)?.IsPrincipalAdmittedBy(evaluation) == false)
        {
            evaluation = recorder.RefusePrincipal(evaluation, earlier);
        }
        else if (evaluation.Outcome is not (IpAllowlistOutcome.Denied or IpAllowlistOutcome.InvalidKey))
        {
            return false;
        }
        else
        {
            recorder.RefusedByAuthorization(context);
        }

        recorder.RecordOnce(context, evaluation);
        await refusal.RefuseAsync(context, evaluation);
        return true;
    }
}
