using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// Decides who may administer keys: signed-in people who meet the named policy and the host's own requirements for the endpoint; never an
/// API key. The handler of the request calls it, so that neither metadata (<c>AllowAnonymous</c>) nor the order of middleware can bypass
/// it.
/// </summary>
internal sealed class AdministratorAdmission(
    IpAllowlistEvaluator evaluator,
    IpAllowlistRecorder recorder,
    ClientIpResolver resolver,
    ApiKeyManager manager,
    ThrottledAudit audit,
    BreakGlassUses breakGlassUses) : IApiKeyAdmission
{
    /// <inheritdoc/>
    public Task<ApiKeyAdmission> AdmitPersonAsync(HttpContext context) => AdmitAsync(context, breakGlassToo: false);

    /// <inheritdoc/>
    public Task<ApiKeyAdmission> AdmitReaderAsync(HttpContext context) => AdmitAsync(context, breakGlassToo: true);

    private async Task<ApiKeyAdmission> AdmitAsync(HttpContext context, bool breakGlassToo)
    {
        ArgumentNullException.ThrowIfNull(context);
        CacheInFrontGuard.ForbidStorage(context);
        IpAllowlistFeature evaluation = await evaluator.EvaluateAsync(context);
        if (evaluation.Unavailable is { } unavailable)
        {
            // The credential may be an API key, so a signed-in person is not admitted with it either.
            return ApiKeyAdmission.Refused(ApiKeyAdmissionRefusal.Unavailable(unavailable.RetryAfter));
        }

        string? address = resolver.Resolve(context) is { IsKnown: true } client ? client.Address.ToString() : null;

        // Policies, evaluators and handlers may be scoped services.
        IAuthorizationPolicyProvider policies = context.RequestServices.GetService<IAuthorizationPolicyProvider>()
            ?? throw new InvalidOperationException(
                "Key administration needs authorization. Call builder.Services.AddAuthorization() before builder.Build().");
        AuthorizationPolicy policy = await policies.GetPolicyAsync(ApiKeyAdministration.PolicyName)
            ?? throw new InvalidOperationException($"There is no authorization policy '{ApiKeyAdministration.PolicyName}'.");
        AuthorizationPolicy? added = await EndpointAuthorization.PolicyOfAsync(context, orFallback: true);
        bool hasKey = (evaluation.Key ?? IpAllowlistFeature.Get(context)?.Key ?? RequestState.Get(context)?.Authenticated) is not null;
        ClaimsPrincipal person = await PersonAsync(policy, added, hasKey, context);
        ApiKeyActor? key = evaluation.Key is null ? null
            : new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = evaluation.Key.Id, Address = address };
        ApiKeyActor? user = person.Identities.Any(identity => identity.IsAuthenticated)
            ? new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = NameOf(person), Address = address }
            : null;
        bool isAdministrator = user is not null && await IsMetAsync(policy, person, context);
        if (isAdministrator && (added is null || await IsMetAsync(added, await PersonAsync(added, policy, hasKey, context), context)))
        {
            return ApiKeyAdmission.Admitted(user!);
        }

        // Also for a person without the role: where every request is signed in (by certificate, say), the key would be useless otherwise.
        if (key is not null && breakGlassToo && evaluation is { Key.IsBreakGlass: true, Outcome: IpAllowlistOutcome.Unrestricted })
        {
            recorder.RecordBreakGlassUse(context, evaluation);
            breakGlassUses.Admitted(context, evaluation.Key, address, await ExistingIdAsync(context));
            return ApiKeyAdmission.Admitted(key);
        }

        ApiKeyActor? refused = user ?? key;
        audit.Record(
            AuditAction.Refused,
            refused ?? new ApiKeyActor { Kind = ApiKeyActorKind.Anonymous, Id = "anonymous", Address = address }, null, null,
            RequestSummary.Describe(context));
        return ApiKeyAdmission.Refused(
            isAdministrator ? ApiKeyAdmissionRefusal.RequirementNotMet
            : refused is not null ? ApiKeyAdmissionRefusal.PolicyNotMet(policy)
            : ApiKeyAdmissionRefusal.SignInRequired(await ChallengeAsync(policy, added, context)));
    }

    /// <summary>
    /// The schemes that authenticate people, as a challenge (RFC 9110 §11.6.1). Names that are not valid there are left out. A 401 must
    /// have a challenge, so without a usable name it is <c>Session</c>.
    /// </summary>
    private static async Task<string> ChallengeAsync(AuthorizationPolicy policy, AuthorizationPolicy? added, HttpContext context)
    {
        IReadOnlyList<string> schemes = policy.AuthenticationSchemes.Count > 0 ? policy.AuthenticationSchemes
            : added?.AuthenticationSchemes ?? [];
        if (schemes.Count == 0 && context.RequestServices.GetService<IAuthenticationSchemeProvider>() is { } known
            && await known.GetDefaultChallengeSchemeAsync() is { } byDefault)
        {
            schemes = [byDefault.Name];
        }

        List<string> names = [];
        foreach (string scheme in schemes)
        {
            string name = await BehindAsync(scheme, context);
            if (name != ApiKeyAuthenticationDefaults.AuthenticationScheme && HttpToken.IsOne(name))
            {
                names.Add(name);
            }
        }

        return names.Count == 0 ? "Session" : string.Join(", ", names);
    }

    /// <summary>The scheme that a policy scheme forwards a challenge to; any other scheme itself.</summary>
    private static async Task<string> BehindAsync(string scheme, HttpContext context)
    {
        if (context.RequestServices.GetService<IAuthenticationSchemeProvider>() is not { } known
            || (await known.GetSchemeAsync(scheme))?.HandlerType != typeof(PolicySchemeHandler))
        {
            return scheme;
        }

        PolicySchemeOptions options = context.RequestServices.GetRequiredService<IOptionsMonitor<PolicySchemeOptions>>().Get(scheme);
        return options.ForwardChallenge ?? options.ForwardDefaultSelector?.Invoke(context) ?? options.ForwardDefault ?? scheme;
    }

    private static async Task<bool> IsMetAsync(AuthorizationPolicy policy, ClaimsPrincipal person, HttpContext context) =>
        (await context.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(person, context, policy)).Succeeded;

    /// <summary>
    /// The person who authenticated by other means than an API key. The scheme is checked, because a claims transformation may add or
    /// replace roles and identities of a key; identities and claims are checked too, because another scheme may forward ours.
    /// </summary>
    /// <remarks>
    /// A policy judges the people of its own schemes, so that an added policy cannot widen the other. A policy without schemes judges those
    /// of the other, as where the framework combines two; if neither names any, <c>HttpContext.User</c>.
    /// </remarks>
    private static async Task<ClaimsPrincipal> PersonAsync(
        AuthorizationPolicy policy, AuthorizationPolicy? other, bool hasKey, HttpContext context)
    {
        var person = new ClaimsPrincipal();
        IReadOnlyList<string> schemes = policy.AuthenticationSchemes;
        if (schemes.Count == 0)
        {
            schemes = other?.AuthenticationSchemes ?? [];
        }

        if (schemes.Count == 0)
        {
            AuthenticationTicket? ticket = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Ticket;
            if (hasKey)
            {
                // HttpContext.User alone is no proof: the host's code may have derived it from the key.
                return ticket is not null && await IsOfSchemesAsync(ticket, context) && !IsByKey(ticket, ticket.Principal)
                    ? ticket.Principal
                    : person;
            }

            return IsByKey(ticket, context.User) ? person : context.User;
        }

        foreach (string scheme in schemes)
        {
            AuthenticateResult result = await context.AuthenticateAsync(scheme);
            if (result.Succeeded && !IsByKey(result.Ticket, result.Principal))
            {
                person.AddIdentities(result.Principal.Identities);
            }
        }

        return person;
    }

    /// <summary>
    /// Whether a ticket comes from schemes of the host. The framework's authorization also creates one from any <c>HttpContext.User</c>,
    /// without a scheme.
    /// </summary>
    private static async Task<bool> IsOfSchemesAsync(AuthenticationTicket ticket, HttpContext context)
    {
        IAuthenticationSchemeProvider? known = context.RequestServices.GetService<IAuthenticationSchemeProvider>();
        foreach (string scheme in SchemesOf(ticket))
        {
            if (known is null || await known.GetSchemeAsync(scheme) is null)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsByKey(AuthenticationTicket? ticket, ClaimsPrincipal principal) =>
        (ticket is not null && SchemesOf(ticket).Contains(ApiKeyAuthenticationDefaults.AuthenticationScheme))
        || principal.Identities.Any(identity => identity.AuthenticationType == ApiKeyAuthenticationDefaults.AuthenticationScheme)
        || principal.HasClaim(claim => claim.Type == ApiKeyAuthenticationDefaults.PrefixClaim);

    /// <summary>The framework joins the names where a policy asks for several schemes.</summary>
    private static string[] SchemesOf(AuthenticationTicket ticket) => ticket.AuthenticationScheme.Split(';');

    private static string NameOf(ClaimsPrincipal person) =>
        PrintableText.Escape(person.FindFirstValue(ClaimTypes.NameIdentifier) ?? person.Identity?.Name ?? "unnamed");

    /// <summary>The id in the route if such a key exists; any other text there may be a raw key.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The use is recorded even then.")]
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
}
