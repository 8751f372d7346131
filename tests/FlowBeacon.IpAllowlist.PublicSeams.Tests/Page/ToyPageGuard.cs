using System.Globalization;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;

/// <summary>
/// Wraps the endpoints of a page: authorizes the caller before a body is read, and writes the refusals of key administration.
/// </summary>
internal static class ToyPageGuard
{
    /// <summary>Who makes a request that was admitted.</summary>
    public static ApiKeyActor ActorOf(HttpContext context) => context.Features.GetRequiredFeature<ApiKeyActor>();

    /// <summary>Protects an endpoint. A filter of the endpoint would come too late: it runs when the body has been read.</summary>
    public static void Protect(EndpointBuilder endpoint)
    {
        RequestDelegate handler = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = context => RunAsync(context, handler);
    }

    private static async Task RunAsync(HttpContext context, RequestDelegate handler)
    {
        ApiKeyAdmission admission = await context.RequestServices.GetRequiredService<IApiKeyAdmission>().AdmitPersonAsync(context);
        if (!admission.IsAdmitted)
        {
            ApiKeyAdmissionRefusal refusal = admission.Refusal;
            AskToWait(context, refusal.RetryAfter);
            await Results.Problem(refusal.Detail, null, refusal.Status, refusal.Title, refusal.Type).ExecuteAsync(context);
            return;
        }

        context.Features.Set(admission.Actor);
        try
        {
            await handler(context);
        }
        catch (ApiKeyManagementException refusal)
        {
            await Results.Json(
                new
                {
                    Fault = refusal.Fault.ToString(),
                    refusal.Message,
                    refusal.Errors,
                    CutsOff = ToyPage.CutOffBy(refusal.LockoutRisk),
                },
                statusCode: StatusOf(refusal.Fault)).ExecuteAsync(context);
        }
        catch (ApiKeyStoreUnavailableException unavailable)
        {
            AskToWait(context, unavailable.RetryAfter);
            await Results.Problem(statusCode: StatusCodes.Status503ServiceUnavailable, title: "API keys unavailable").ExecuteAsync(context);
        }
    }

    private static int StatusOf(ApiKeyManagementFault fault) => fault switch
    {
        ApiKeyManagementFault.Invalid => StatusCodes.Status400BadRequest,
        ApiKeyManagementFault.NotFound => StatusCodes.Status404NotFound,
        ApiKeyManagementFault.StaleVersion => StatusCodes.Status412PreconditionFailed,
        ApiKeyManagementFault.AuditUnavailable or ApiKeyManagementFault.TrafficUnavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status409Conflict,
    };

    private static void AskToWait(HttpContext context, TimeSpan? time)
    {
        if (time is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
    }
}
