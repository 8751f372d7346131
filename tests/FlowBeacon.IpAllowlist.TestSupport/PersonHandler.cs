using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Signs people in by a header: <c>X-Person: alice admin owner</c> is alice in two roles.</summary>
public sealed class PersonHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Person";
    public const string Header = "X-Person";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string[] words = Request.Headers[Header].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.NameIdentifier, words[0]), .. words.Skip(1).Select(role => new Claim(ClaimTypes.Role, role))],
            Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }
}
