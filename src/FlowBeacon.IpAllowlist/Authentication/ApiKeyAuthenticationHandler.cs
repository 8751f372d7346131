using System.Security.Claims;
using System.Text.Encodings.Web;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Authentication;

/// <summary>
/// Authenticates by the check's verdict: a request from an address that is not allowed never gets a principal, and scheme and check
/// write the same 401 or 403.
/// </summary>
internal sealed class ApiKeyAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder,
    IpAllowlistEvaluator evaluator, IpAllowlistRecorder recorder, RefusalWriter refusal)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(Context);
        if (!evaluation.Outcome.Passes())
        {
            RequestState.Change(Context, state => state with { IsAuthenticationRefused = true });

            // The framework would log each failure, which any client can repeat; the challenge reports the reason.
            return AuthenticateResult.NoResult();
        }

        // The framework keeps this result for the whole request, so its key is remembered as well.
        RequestState.Change(Context, state => state with { Authenticated = evaluation.Key });
        recorder.RecordBreakGlassUse(Context, evaluation);
        return AuthenticateResult.Success(new AuthenticationTicket(PrincipalOf(evaluation), Scheme.Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => RefuseAsync(refusal.MissingKeyAsync);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => RefuseAsync(context => Problem.WriteAsync(
        context, StatusCodes.Status403Forbidden, "insufficient-scope", "Insufficient scope", "The API key lacks a required scope."));

    /// <summary>Writes the 401, 403 or 503 of the verdict, or the fallback if the verdict admits the request.</summary>
    private async Task RefuseAsync(RequestDelegate fallback)
    {
        // If the check comes later in the pipeline, it will not see this request.
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(Context);
        recorder.RefusedByAuthorization(Context);
        if (evaluation.Outcome.Passes() && RequestState.Get(Context) is { IsAuthenticationRefused: true })
        {
            evaluation = recorder.RefusePrincipal(evaluation, earlier: null);
        }

        recorder.RecordOnce(Context, evaluation);
        await (evaluation.Outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.InvalidKey
            ? refusal.RefuseAsync(Context, evaluation)
            : fallback(Context));
    }

    private ClaimsPrincipal PrincipalOf(IpAllowlistFeature evaluation)
    {
        ApiKey key = evaluation.Key!;
        var identity = new ClaimsIdentity(Scheme.Name, ClaimTypes.Name, ClaimTypes.Role);
        identity.AddClaim(new Claim(ClaimTypes.NameIdentifier, key.Id));
        identity.AddClaim(new Claim(ClaimTypes.Name, key.Name));
        identity.AddClaim(new Claim(ApiKeyAuthenticationDefaults.PrefixClaim, evaluation.KeyPrefix));
        identity.AddClaims(key.Scopes.Select(scope => new Claim(ApiKeyAuthenticationDefaults.ScopeClaim, scope)));
        return new ClaimsPrincipal(identity);
    }
}
