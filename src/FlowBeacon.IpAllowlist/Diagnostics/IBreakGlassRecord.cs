namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>Where uses of break-glass keys are put on record.</summary>
internal interface IBreakGlassRecord
{
    void Used(ApiKey key, string? clientIp);
}
