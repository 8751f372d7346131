using System.Net;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The denial that <see cref="IpAllowlistOptions.OnDenied"/> handles: the status is set, the body is not yet written.
/// </summary>
public sealed class IpAllowlistDeniedContext
{
    private readonly IpAllowlistFeature _result;

    internal IpAllowlistDeniedContext(HttpContext httpContext, IpAllowlistFeature result)
    {
        HttpContext = httpContext;
        _result = result;
    }

    /// <summary>The request and its response, whose status is already 403.</summary>
    public HttpContext HttpContext { get; }

    /// <summary>The key that was presented. It is valid; only the address is not on its list.</summary>
    public ApiKey Key => _result.Key!;

    /// <summary>The client address; null if there is none, see <see cref="Reason"/>.</summary>
    public IPAddress? ClientIp => _result.ClientIp;

    /// <summary>Where the client address came from.</summary>
    public ClientIpOrigin ClientIpOrigin => _result.ClientIpOrigin;

    /// <summary>Why the request is denied.</summary>
    public IpAllowlistDenialReason Reason => _result.DenialReason!.Value;

    internal bool IsHandled { get; private set; }

    /// <summary>Marks the response as complete; otherwise the default body follows.</summary>
    public void HandleResponse() => IsHandled = true;
}
