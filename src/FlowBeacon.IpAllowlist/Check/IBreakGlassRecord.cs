using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Where uses of break-glass keys are recorded.</summary>
internal interface IBreakGlassRecord
{
    /// <summary>Records that a request has a valid break-glass key. Once per request.</summary>
    void Used(HttpContext context, ApiKey key, string? clientIp);
}
