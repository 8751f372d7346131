using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Writes the refusals, 401, 403 and 503, as problem details (RFC 9457).</summary>
/// <param name="keyHeader">The header that carries the key.</param>
/// <param name="showClientIp">Whether a 403 names the client address.</param>
/// <param name="hostWritesProblems">Whether the host has a problem-details service, which then writes each refusal.</param>
/// <param name="onDenied">The host's callback for a 403.</param>
/// <param name="diagnostics">Logs refusals that come too late.</param>
internal sealed class RefusalWriter(
    string keyHeader,
    bool showClientIp,
    bool hostWritesProblems,
    Func<IpAllowlistDeniedContext, CancellationToken, ValueTask>? onDenied,
    IpAllowlistDiagnostics diagnostics)
{
    // RFC 9457 §3: the type identifies the problem; the title is the published one, whatever the reason.
    private const string UnauthorizedStart =
        """{"type":"urn:flowbeacon:problems/invalid-api-key","title":"Invalid or expired API key","status":401,"detail":""";

    private const string ForbiddenStart =
        """{"type":"urn:flowbeacon:problems/ip-not-allowed","title":"IP address not allowed","status":403,"detail":"""
        + "\"This API key may be used from certain addresses only, and the request did not come from one of them.\"";

    private static readonly byte[] MissingKeyBody =
        Encoding.ASCII.GetBytes(UnauthorizedStart + "\"This needs an API key, and the request has none.\"}");

    private static readonly byte[] InvalidKeyBody = Encoding.ASCII.GetBytes(
        UnauthorizedStart + "\"The API key is unknown, expired, disabled or revoked, or there is more than one.\"}");

    private static readonly byte[] ForbiddenBody = Encoding.ASCII.GetBytes(ForbiddenStart + "}");

    /// <summary>How to present a key (RFC 9110 §11.6.1). For a header of its own there is no registered scheme.</summary>
    private readonly string _challenge = keyHeader.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase)
        ? "Bearer"
        : $"ApiKey header=\"{keyHeader}\"";

    public Task MissingKeyAsync(HttpContext context) => UnauthorizedAsync(context, MissingKeyBody);

    /// <summary>
    /// Refuses a request whose key is invalid, denied or not to be looked up. This is final: no later step changes the verdict.
    /// </summary>
    public Task RefuseAsync(HttpContext context, IpAllowlistFeature result)
    {
        bool isFirst = !result.IsFinal;
        if (isFirst)
        {
            result = result.AsFinal();
            result.KeepFor(context);
        }

        if (result.Unavailable is { } unavailable)
        {
            return TryStart(context, StatusCodes.Status503ServiceUnavailable)
                ? UnavailableProblem.WriteAsync(context, unavailable.RetryAfter)
                : Task.CompletedTask;
        }

        return result.Outcome == IpAllowlistOutcome.Denied
            ? DeniedAsync(context, result, isFirst)
            : UnauthorizedAsync(context, InvalidKeyBody);
    }

    private Task DeniedAsync(HttpContext context, IpAllowlistFeature result, bool isFirst)
    {
        if (!TryStart(context, StatusCodes.Status403Forbidden) || result.IsAnsweredByHost)
        {
            return Task.CompletedTask;
        }

        // Once: an error page that re-executes the pipeline brings the request here again.
        return onDenied is null || !isFirst ? WriteForbiddenAsync(context, result) : CallOnDeniedAsync(context, result, onDenied);
    }

    private async Task CallOnDeniedAsync(
        HttpContext context, IpAllowlistFeature result, Func<IpAllowlistDeniedContext, CancellationToken, ValueTask> call)
    {
        var denied = new IpAllowlistDeniedContext(context, result);
        await call(denied, context.RequestAborted);
        result.IsAnsweredByHost = denied.IsHandled;
        if (!denied.IsHandled && !context.Response.HasStarted)
        {
            await WriteForbiddenAsync(context, result);
        }
    }

    private Task WriteForbiddenAsync(HttpContext context, IpAllowlistFeature result)
    {
        if (!showClientIp)
        {
            return WriteAsync(context, ForbiddenBody);
        }

        // A canonical address has no character that JSON would escape.
        string clientIp = result.ClientIp is { } address ? $"\"{address}\"" : "null";
        return WriteAsync(context, Encoding.ASCII.GetBytes($"{ForbiddenStart},\"client_ip\":{clientIp}}}"));
    }

    private Task UnauthorizedAsync(HttpContext context, byte[] body)
    {
        if (!TryStart(context, StatusCodes.Status401Unauthorized))
        {
            return Task.CompletedTask;
        }

        context.Response.Headers.WWWAuthenticate = _challenge;
        return WriteAsync(context, body);
    }

    private bool TryStart(HttpContext context, int status)
    {
        if (context.Response.HasStarted)
        {
            // Other code has already answered with another status. The only refusal left is to abort the connection.
            diagnostics.ResponseAlreadyStarted();
            context.Abort();
            return false;
        }

        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return true;
    }

    private Task WriteAsync(HttpContext context, byte[] body) =>
        hostWritesProblems ? Problem.WriteBodyAsync(context, body) : Problem.WriteOwnBodyAsync(context, body);
}
