using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Management.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Why a request to key administration is not admitted, in the terms of problem details (RFC 9457).</summary>
public sealed record ApiKeyAdmissionRefusal
{
    internal static readonly ApiKeyAdmissionRefusal RequirementNotMet = new()
    {
        Status = StatusCodes.Status403Forbidden,
        Type = Problem.TypePrefix + "requirement-not-met",
        Title = "Requirement not met",
        Detail = "You meet the policy of key administration, but not a further requirement that this host sets for the endpoint.",
    };

    /// <summary>
    /// The HTTP status: 401 if signing in may help, 403 if not, 503 if the request's credential cannot be looked up at the moment.
    /// </summary>
    public required int Status { get; init; }

    /// <summary>The problem's type, such as <c>urn:flowbeacon:problems/role-required</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The published title of that type.</summary>
    public required string Title { get; init; }

    /// <summary>What happened, and the remedy. It contains nothing from the request.</summary>
    public required string Detail { get; init; }

    /// <summary>How long to wait before the request is repeated, with status 503; otherwise null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// The value of <c>WWW-Authenticate</c>, with status 401: the schemes that authenticate people on this host. Otherwise null.
    /// </summary>
    public string? Challenge { get; init; }

    /// <summary>The request is not signed in.</summary>
    internal static ApiKeyAdmissionRefusal SignInRequired(string challenge) => new()
    {
        Status = StatusCodes.Status401Unauthorized,
        Type = Problem.TypePrefix + "sign-in-required",
        Title = "Sign in required",
        Detail = "Keys are administered by people who are signed in.",
        Challenge = challenge,
    };

    /// <summary>The caller does not meet the policy.</summary>
    internal static ApiKeyAdmissionRefusal PolicyNotMet(AuthorizationPolicy policy) => AdministrationPolicy.IsDefault(policy)
        ? new()
        {
            Status = StatusCodes.Status403Forbidden,
            Type = Problem.TypePrefix + "role-required",
            Title = "Admin or owner role required",
            Detail = "Keys are administered by signed-in people in the role admin or owner, not by API keys.",
        }
        : new()
        {
            Status = StatusCodes.Status403Forbidden,
            Type = Problem.TypePrefix + "administration-policy-not-met",
            Title = "Administration policy not met",
            Detail = $"Keys are administered by signed-in people who meet this host's policy {ApiKeyAdministration.PolicyName}, not by"
                + $" API keys. {AdministrationPolicy.Describe(policy)}",
        };

    internal static ApiKeyAdmissionRefusal Unavailable(TimeSpan retryAfter) => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Type = Problem.TypePrefix + UnavailableProblem.Type,
        Title = UnavailableProblem.Title,
        Detail = UnavailableProblem.Detail,
        RetryAfter = retryAfter,
    };
}
