using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Finds the client address that the check uses for a request, with or without a key. Registered by
/// <c>AddFlowBeaconIpAllowlist()</c>.
/// </summary>
/// <remarks>Replacing this service has no effect on the check, which runs the same code directly.</remarks>
public interface IClientIpResolver
{
    /// <summary>Finds the client address of a request by the configured <see cref="IpAllowlistOptions.ClientIpSource"/>.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The address and where it came from, or why there is none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    ClientIpResolution Resolve(HttpContext context);

    /// <summary>Finds it, with an explanation for people.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The same result, every address that was read, and why reading stopped.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    ClientIpExplanation Explain(HttpContext context);
}
