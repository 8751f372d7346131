using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Tells which client address the check sees in a request, whether the request has a key or not. Registered by
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

    /// <summary>Finds it, and explains to people how.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The same finding, every address that was read on the way, and why it ended there.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    ClientIpExplanation Explain(HttpContext context);
}
