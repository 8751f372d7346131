using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;
using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Decides who may administer keys: signed-in people whom the named policy admits, never an API key. It stands in the endpoints
/// themselves, so that no metadata (<c>AllowAnonymous</c>) and no order of middleware can lead around it.
/// </summary>
internal sealed class AdministrationGuard(
    IpAllowlistEvaluator evaluator, ClientIpResolver resolver, ApiKeyManager manager, ThrottledAudit audit)
{
    /// <summary>Runs a handler for signed-in people alone.</summary>
    public Task AsAdministratorAsync(HttpContext context, Func<ApiKeyActor, Task> handler) => RunAsync(context, breakGlassToo: false, handler);

    /// <summary>Runs a handler for signed-in people and break-glass keys: for what only reads, and for recovery.</summary>
    public Task AsReaderAsync(HttpContext context, Func<ApiKeyActor, Task> handler) => RunAsync(context, breakGlassToo: true, handler);

    private async Task RunAsync(HttpContext context, bool breakGlassToo, Func<ApiKeyActor, Task> handler)
    {
        if (await AdmitAsync(context, breakGlassToo) is not { } actor)
        {
            return;
        }

        try
        {
            await handler(actor);
        }
        catch (ApiKeyManagementException refusal)
        {
            await AnswerAsync(context, refusal);
        }
    }

    /// <summary>Admits a request and tells who makes it, or answers 401 or 403 and returns null.</summary>
    private async Task<ApiKeyActor?> AdmitAsync(HttpContext context, bool breakGlassToo)
    {
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context, takingUp: null);
        string? address = resolver.Resolve(context) is { IsKnown: true } client ? client.Address.ToString() : null;

        // Policies, evaluators and handlers may be scoped services.
        IServiceProvider services = context.RequestServices;
        AuthorizationPolicy policy = await services.GetRequiredService<IAuthorizationPolicyProvider>().GetPolicyAsync(ApiKeyAdministration.PolicyName)
            ?? throw new InvalidOperationException($"There is no authorization policy '{ApiKeyAdministration.PolicyName}'.");
        ClaimsPrincipal person = await PersonAsync(policy, context);
        ApiKeyActor? key = evaluation.Key is null ? null : new ApiKeyActor(ApiKeyActorKind.Key, evaluation.Key.Id, address);
        ApiKeyActor? user = person.Identities.Any(identity => identity.IsAuthenticated)
            ? new ApiKeyActor(ApiKeyActorKind.User, NameOf(person), address)
            : null;
        if (user is not null && (await services.GetRequiredService<IAuthorizationService>().AuthorizeAsync(person, context, policy)).Succeeded)
        {
            return user;
        }

        // Also for somebody without the role: where everybody is signed in (by certificate, say), nobody could use the key otherwise.
        if (key is not null && breakGlassToo && evaluation is { Key.IsBreakGlass: true, Outcome: IpAllowlistOutcome.Unrestricted })
        {
            audit.Admitted(context, evaluation.Key, address, await ExistingIdAsync(context));
            return key;
        }

        await ((user ?? key) is { } refused
            ? RefuseAsync(context, refused, StatusCodes.Status403Forbidden)
            : RefuseAsync(context, new ApiKeyActor(ApiKeyActorKind.Anonymous, "anonymous", address), StatusCodes.Status401Unauthorized));
        return null;
    }

    /// <summary>
    /// Who authenticated otherwise than by an API key. The scheme tells, because a claims transformation may add roles and identities to
    /// what a key proved, or replace them; and the identities tell, because another scheme may hand on ours.
    /// </summary>
    private static async Task<ClaimsPrincipal> PersonAsync(AuthorizationPolicy policy, HttpContext context)
    {
        var person = new ClaimsPrincipal();
        if (policy.AuthenticationSchemes.Count == 0)
        {
            AuthenticationTicket? ticket = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Ticket;
            return IsByKey(ticket, context.User) ? person : context.User;
        }

        foreach (string scheme in policy.AuthenticationSchemes)
        {
            AuthenticateResult result = await context.AuthenticateAsync(scheme);
            if (result.Succeeded && !IsByKey(result.Ticket, result.Principal))
            {
                person.AddIdentities(result.Principal.Identities);
            }
        }

        return person;
    }

    private static bool IsByKey(AuthenticationTicket? ticket, ClaimsPrincipal principal) =>
        ticket?.AuthenticationScheme.Split(';').Contains(ApiKeyAuthenticationDefaults.AuthenticationScheme) == true
        || principal.Identities.Any(identity => identity.AuthenticationType == ApiKeyAuthenticationDefaults.AuthenticationScheme);

    private static Task AnswerAsync(HttpContext context, ApiKeyManagementException refusal) => refusal.Fault switch
    {
        ApiKeyManagementFault.NotFound => Problem.WriteAsync(
            context, StatusCodes.Status404NotFound, "key-not-found", "Key not found", refusal.Message),
        ApiKeyManagementFault.Conflict => Problem.WriteAsync(
            context, StatusCodes.Status409Conflict, "key-conflict", "Conflict", refusal.Message),
        ApiKeyManagementFault.StaleVersion => Problem.WriteAsync(
            context, StatusCodes.Status412PreconditionFailed, "stale-version", "Stale version", refusal.Message),
        ApiKeyManagementFault.LockoutRisk => Problem.WriteAsync(
            context, StatusCodes.Status409Conflict, "lockout-risk", "Lockout risk", refusal.Message, json => TrafficJson.Write(json, refusal.LockoutRisk!)),
        ApiKeyManagementFault.AuditUnavailable => Problem.WriteAsync(
            context, StatusCodes.Status503ServiceUnavailable, "audit-unavailable", "Audit unavailable", refusal.Message),
        _ => Problem.WriteAsync(
            context, StatusCodes.Status400BadRequest, "validation", "Validation failed", "Nothing was changed; see errors.",
            json => ApiKeyJson.WriteErrors(json, refusal.Errors)),
    };

    private static string NameOf(ClaimsPrincipal person) =>
        PrintableText.Escape(person.FindFirstValue(ClaimTypes.NameIdentifier) ?? person.Identity?.Name ?? "unnamed");

    /// <summary>The id in the route if there is such a key: anything else that stands there may be a raw key.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The use is recorded all the same.")]
    private async Task<string?> ExistingIdAsync(HttpContext context)
    {
        try
        {
            return context.GetRouteValue("id") is string id ? (await manager.GetAsync(id, context.RequestAborted)).Key.Id : null;
        }
        catch (Exception)
        {
            return null;
        }
    }

    private Task RefuseAsync(HttpContext context, ApiKeyActor actor, int status)
    {
        audit.Record(AuditAction.Refused, actor, null, null, RequestSummary.Of(context));
        if (status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Session";
            return Problem.WriteAsync(context, status, "sign-in-required", "Sign in required", "Keys are administered by people who are signed in.");
        }

        return Problem.WriteAsync(context, status, "role-required", "Admin or owner role required",
            "Keys are administered by signed-in people in the role admin or owner, not by API keys.");
    }
}
