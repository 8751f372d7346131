using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Lets the problem-details service of the host, which <c>AddProblemDetails()</c> adds, write the body of a refusal.</summary>
internal static class HostProblem
{
    /// <summary>The headers that belong to a refusal.</summary>
    private static readonly string[] Kept = [HeaderNames.CacheControl, HeaderNames.WWWAuthenticate, HeaderNames.RetryAfter];

    /// <summary>
    /// Gets the body from the service for a response whose status and headers are set. They are restored after the host's customisation,
    /// which cannot send anything while it runs.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="service">The host's service.</param>
    /// <param name="body">The problem as JSON.</param>
    /// <returns>
    /// The body, whose content type is set; null if the service writes none: because the client does not accept it, for example, or
    /// because it throws.
    /// </returns>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The refusal is written even then.")]
    public static async Task<byte[]?> BodyAsync(HttpContext context, IProblemDetailsService service, byte[] body)
    {
        HttpResponse response = context.Response;
        int status = response.StatusCode;
        KeyValuePair<string, string>[] headers =
            [.. Kept.Select(name => KeyValuePair.Create(name, response.Headers[name].ToString())).Where(header => header.Value.Length > 0)];

        // Callbacks run in reverse order, so this one runs behind those that the customisation registers.
        response.OnStarting(() =>
        {
            Restore();
            return Task.CompletedTask;
        });

        IHttpResponseBodyFeature client = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var written = new MemoryStream();
        var buffer = new StreamResponseBodyFeature(written);
        context.Features.Set<IHttpResponseBodyFeature>(buffer);
        response.ContentType = null;
        response.ContentLength = null;
        bool isTaken = false;
        try
        {
            isTaken = await service.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = Read(body) });
            await buffer.CompleteAsync();
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            isTaken = false;
            context.RequestServices.GetService<IpAllowlistDiagnostics>()?.HostProblemFailed(exception);
        }
        finally
        {
            context.Features.Set(client);
            Restore();
        }

        if (!isTaken || written.Length == 0)
        {
            // MVC's writer accepts problems of controllers without [ApiController] and then writes nothing.
            return null;
        }

        response.ContentType ??= Problem.ContentType;
        return written.ToArray();

        void Restore()
        {
            response.StatusCode = status;
            foreach ((string name, string value) in headers)
            {
                response.Headers[name] = value;
            }
        }
    }

    private static ProblemDetails Read(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        var problem = new ProblemDetails();
        foreach (JsonProperty member in document.RootElement.EnumerateObject())
        {
            switch (member.Name)
            {
                case "type":
                    problem.Type = member.Value.GetString();
                    break;
                case "title":
                    problem.Title = member.Value.GetString();
                    break;
                case "status":
                    problem.Status = member.Value.GetInt32();
                    break;
                case "detail":
                    problem.Detail = member.Value.GetString();
                    break;
                default:
                    problem.Extensions[member.Name] = member.Value.ValueKind switch
                    {
                        JsonValueKind.String => member.Value.GetString(),
                        JsonValueKind.Null => null,
                        _ => member.Value.Clone(),
                    };
                    break;
            }
        }

        return problem;
    }
}
