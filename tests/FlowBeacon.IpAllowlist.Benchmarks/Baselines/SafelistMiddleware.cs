using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Benchmarks.Baselines;

/// <summary>
/// What a reader of the ASP.NET Core documentation's IP safelist article would write for keys, in the most literal way: a list of text,
/// split and parsed for each request, and keys found by the hex text of their hash.
/// </summary>
internal sealed class SafelistMiddleware(RequestDelegate next, IReadOnlyDictionary<string, string> safelists)
{
    public static IReadOnlyDictionary<string, string> Sample() => new Dictionary<string, string>
    {
        [Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Samples.Restricted)))] = string.Join(';', Samples.AllowedIps),
    };

    public async Task InvokeAsync(HttpContext context)
    {
        string key = context.Request.Headers.Authorization.ToString()["Bearer ".Length..];
        string hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        if (!safelists.TryGetValue(hash, out string? safelist))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        string forwardedFor = context.Request.Headers["X-Forwarded-For"].ToString();
        byte[] remote = IPAddress.Parse(forwardedFor.Split(',')[0].Trim()).GetAddressBytes();
        bool isAllowed = false;
        foreach (string entry in safelist.Split(';'))
        {
            if (IPAddress.Parse(entry).GetAddressBytes().SequenceEqual(remote))
            {
                isAllowed = true;
                break;
            }
        }

        if (!isAllowed)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        await next(context);
    }
}
