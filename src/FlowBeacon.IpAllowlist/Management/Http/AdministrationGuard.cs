using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Runs a handler if the caller may administer keys, and writes the refusal otherwise, also that of the handler.</summary>
internal sealed class AdministrationGuard(AdministratorAdmission admission)
{
    /// <summary>Runs a handler for signed-in people only.</summary>
    public async Task AsAdministratorAsync(HttpContext context, Func<ApiKeyActor, Task> handler) =>
        await RunAsync(context, await admission.AdmitPersonAsync(context), handler);

    /// <summary>Runs a handler for signed-in people and break-glass keys: for reading, and for recovery.</summary>
    public async Task AsReaderAsync(HttpContext context, Func<ApiKeyActor, Task> handler) =>
        await RunAsync(context, await admission.AdmitReaderAsync(context), handler);

    private static async Task RunAsync(HttpContext context, ApiKeyAdmission admitted, Func<ApiKeyActor, Task> handler)
    {
        if (!admitted.IsAdmitted)
        {
            await RefuseAsync(context, admitted.Refusal);
            return;
        }

        try
        {
            await handler(admitted.Actor);
        }
        catch (ApiKeyManagementException refusal)
        {
            await ManagementProblemJson.WriteAsync(context, refusal);
        }
        catch (ApiKeyStoreUnavailableException unavailable)
        {
            await UnavailableProblem.WriteAsync(context, unavailable.RetryAfter);
        }
    }

    private static Task RefuseAsync(HttpContext context, ApiKeyAdmissionRefusal refusal)
    {
        if (refusal.RetryAfter is { } retryAfter)
        {
            return UnavailableProblem.WriteAsync(context, retryAfter);
        }

        if (refusal.Challenge is not null)
        {
            context.Response.Headers.WWWAuthenticate = refusal.Challenge;
        }

        return Problem.WriteAsync(
            context,
            new ProblemJson { Type = refusal.Type, Title = refusal.Title, Status = refusal.Status, Detail = refusal.Detail },
            ProblemJsonContext.Default.ProblemJson);
    }
}
