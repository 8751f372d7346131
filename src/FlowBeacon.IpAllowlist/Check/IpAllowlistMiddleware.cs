using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>The check: start reading here. The evaluator returns the verdict; this class acts on it.</summary>
internal sealed class IpAllowlistMiddleware
{
    private readonly RequestDelegate _next;
    private readonly IpAllowlistEvaluator _evaluator;
    private readonly IpAllowlistRecorder _recorder;
    private readonly RefusalWriter _refusal;
    private readonly bool _requireApiKey;

    /// <summary>The state of nearly every request after this check.</summary>
    private readonly RequestState _checked;

    public IpAllowlistMiddleware(
        RequestDelegate next, IpAllowlistEvaluator evaluator, IpAllowlistRecorder recorder, RefusalWriter refusal, bool requireApiKey)
    {
        _next = next;
        _evaluator = evaluator;
        _recorder = recorder;
        _refusal = refusal;
        _requireApiKey = requireApiKey;
        _checked = new RequestState { CheckedBy = this, IsRecorded = true };
    }

    public Task InvokeAsync(HttpContext context)
    {
        var requirement = KeyRequirement.Of((context.Features[typeof(IEndpointFeature)] as IEndpointFeature)?.Endpoint);
        if (requirement == KeyRequirement.Disabled)
        {
            return _next(context);
        }

        bool required = requirement == KeyRequirement.Required || (_requireApiKey && requirement != KeyRequirement.Optional);
        IpAllowlistFeature? earlier = IpAllowlistFeature.Get(context);
        ValueTask<IpAllowlistFeature> evaluation = _evaluator.EvaluateAsync(context, earlier);
        return evaluation.IsCompletedSuccessfully
            ? Act(context, earlier, evaluation.Result, required)
            : ActWhenKnown(context, earlier, evaluation, required);
    }

    private async Task ActWhenKnown(
        HttpContext context, IpAllowlistFeature? earlier, ValueTask<IpAllowlistFeature> evaluation, bool required) =>
        await Act(context, earlier, await evaluation, required);

    private Task Act(HttpContext context, IpAllowlistFeature? earlier, IpAllowlistFeature result, bool required)
    {
        RequestState? state = earlier is null ? null : RequestState.Get(context);
        ThrowIfCheckedTwice(context, state);
        if (state?.IsPrincipalAdmittedBy(result) == false)
        {
            result = _recorder.RefusePrincipal(result, earlier);
            result.KeepFor(context);
        }

        (state is null ? _checked : state with { CheckedBy = this, IsRecorded = true }).Keep(context);
        if (state is not { IsRecorded: true })
        {
            _recorder.Record(context, result);
        }

        return result.Outcome switch
        {
            IpAllowlistOutcome.Allowed or IpAllowlistOutcome.Unrestricted or IpAllowlistOutcome.WouldDeny => _next(context),
            IpAllowlistOutcome.NoKey when !required => _next(context),
            IpAllowlistOutcome.NoKey => _refusal.MissingKeyAsync(context),
            _ => _refusal.RefuseAsync(context, result),
        };
    }

    /// <summary>
    /// Two checks on one path are a mistake, except where an error page re-executes the pipeline: then the same request passes again,
    /// perhaps through another branch.
    /// </summary>
    private void ThrowIfCheckedTwice(HttpContext context, RequestState? state)
    {
        if (state?.CheckedBy is not null && state.CheckedBy != this
            && context.Features.Get<IExceptionHandlerFeature>() is null && context.Features.Get<IStatusCodeReExecuteFeature>() is null)
        {
            throw new InvalidOperationException(
                "UseFlowBeaconIpAllowlist() is called twice on the path of this request, in a branch and behind it."
                + " Remove one of the calls.");
        }
    }
}
