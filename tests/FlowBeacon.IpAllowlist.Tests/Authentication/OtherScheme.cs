using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>A substitute for JWT bearer: it handles every bearer token, accepts one, and challenges with an empty 401.</summary>
internal sealed class OtherScheme(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Jwt";
    public const string Token = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.Ordinal))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        if (header != $"Bearer {Token}")
        {
            return Task.FromResult(AuthenticateResult.Fail("The token is not one of ours."));
        }

        var person = new ClaimsIdentity([new Claim(ClaimTypes.Name, "person")], Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(person), Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.Append("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        return Task.CompletedTask;
    }
}
