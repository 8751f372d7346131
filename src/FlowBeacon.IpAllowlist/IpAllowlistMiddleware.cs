using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FlowBeacon.IpAllowlist;

/// <summary>The check: start reading here. The verdict is the evaluator's; what follows from it is decided below.</summary>
internal sealed class IpAllowlistMiddleware(
    RequestDelegate next, IpAllowlistEvaluator evaluator, IpAllowlistRefusal refusal, bool requireApiKey)
{
    public Task InvokeAsync(HttpContext context)
    {
        Endpoint? endpoint = (context.Features[typeof(IEndpointFeature)] as IEndpointFeature)?.Endpoint;
        KeyRequirement? requirement = endpoint?.Metadata.GetMetadata<KeyRequirement>();
        if (requirement == KeyRequirement.Disabled)
        {
            return next(context);
        }

        bool required = requirement == KeyRequirement.Required || (requireApiKey && requirement != KeyRequirement.Optional);
        ValueTask<IpAllowlistFeature> evaluation = evaluator.EvaluateAsync(context, takingUp: this);
        return evaluation.IsCompletedSuccessfully ? Act(context, evaluation.Result, required) : ActWhenKnown(context, evaluation, required);
    }

    private async Task ActWhenKnown(HttpContext context, ValueTask<IpAllowlistFeature> evaluation, bool required) =>
        await Act(context, await evaluation, required);

    private Task Act(HttpContext context, IpAllowlistFeature result, bool required) => result.Outcome switch
    {
        IpAllowlistOutcome.Allowed or IpAllowlistOutcome.Unrestricted or IpAllowlistOutcome.WouldDeny => next(context),
        IpAllowlistOutcome.NoKey when !required => next(context),
        IpAllowlistOutcome.NoKey => refusal.MissingKeyAsync(context),
        IpAllowlistOutcome.InvalidKey => refusal.InvalidKeyAsync(context),
        _ => refusal.DeniedAsync(context, result),
    };
}
