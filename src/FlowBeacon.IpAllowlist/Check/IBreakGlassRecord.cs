using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Where uses of break-glass keys are put on record.</summary>
internal interface IBreakGlassRecord
{
    /// <summary>Notes that a request came with a valid break-glass key. Once per request.</summary>
    void Used(HttpContext context, ApiKey key, string? clientIp);
}
