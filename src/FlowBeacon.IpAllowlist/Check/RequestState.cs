using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>The processing state of one request. Immutable, so that requests in the same state may share one.</summary>
internal sealed record RequestState
{
    /// <summary>The check that admitted or refused the request; null until one did.</summary>
    public IpAllowlistMiddleware? CheckedBy { get; init; }

    /// <summary>Whether the request is counted and recorded, which happens once, when it is first admitted or refused.</summary>
    public bool IsRecorded { get; init; }

    /// <summary>Whether the request is recorded as a use of a break-glass key.</summary>
    public bool IsBreakGlassUseRecorded { get; init; }

    /// <summary>
    /// The key of the principal that the scheme created, which the framework keeps for the rest of the request; null if there is none.
    /// </summary>
    public ApiKey? Authenticated { get; init; }

    /// <summary>Whether the scheme refused to create a principal, which the framework keeps for the rest of the request.</summary>
    public bool IsAuthenticationRefused { get; init; }

    /// <summary>The state of a request; null if there is none. Only a request with an evaluation can have one.</summary>
    public static RequestState? Get(HttpContext context) => context.Features[typeof(RequestState)] as RequestState;

    /// <summary>Sets the state of a request.</summary>
    public static void Change(HttpContext context, Func<RequestState, RequestState> change) =>
        change(Get(context) ?? new RequestState()).Keep(context);

    public void Keep(HttpContext context) => context.Features[typeof(RequestState)] = this;

    /// <summary>Whether a verdict admits the key of the principal that the scheme created, if there is one.</summary>
    public bool IsPrincipalAdmittedBy(IpAllowlistFeature result) =>
        Authenticated is null || (result.Outcome.Passes() && result.Key?.Id == Authenticated.Id);
}
