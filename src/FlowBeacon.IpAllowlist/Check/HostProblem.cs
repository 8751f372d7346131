using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Lets the problem-details service of the host, which <c>AddProblemDetails()</c> adds, write a refusal.</summary>
internal static class HostProblem
{
    /// <summary>What a refusal says besides its body.</summary>
    private static readonly string[] Kept = [HeaderNames.CacheControl, HeaderNames.WWWAuthenticate, HeaderNames.RetryAfter];

    /// <summary>
    /// Writes the body of a response whose status and headers are set. What the host customises is the body: status and headers stay.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="service">The host's service.</param>
    /// <param name="body">The problem as JSON.</param>
    /// <returns>False if nothing was written: the service declines what the client does not accept, for example.</returns>
    public static async Task<bool> TryWriteAsync(HttpContext context, IProblemDetailsService service, byte[] body)
    {
        HttpResponse response = context.Response;
        int status = response.StatusCode;
        KeyValuePair<string, string>[] headers =
            [.. Kept.Select(name => KeyValuePair.Create(name, response.Headers[name].ToString())).Where(header => header.Value.Length > 0)];
        response.ContentType = null;
        response.ContentLength = null;

        // The customisation sees the whole response, and may have changed it. Callbacks run in reverse order, so this one runs behind its.
        bool hasFailed = false;
        response.OnStarting(() =>
        {
            if (!hasFailed)
            {
                Restore();
            }

            return Task.CompletedTask;
        });
        bool isTaken;
        try
        {
            isTaken = await service.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = Read(body) });
        }
        catch
        {
            // The host's error handling answers now.
            hasFailed = true;
            throw;
        }

        if (response.HasStarted)
        {
            return true;
        }

        Restore();

        // MVC's writer takes problems of controllers without [ApiController] and then writes nothing.
        return isTaken && response.ContentType is not null;

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
