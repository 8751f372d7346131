namespace FlowBeacon.IpAllowlist;

/// <summary>Names for collectors of telemetry.</summary>
public static class IpAllowlistTelemetry
{
    /// <summary>
    /// The meter of all instruments, <c>FlowBeacon.IpAllowlist</c>: <c>metrics.AddMeter(IpAllowlistTelemetry.MeterName)</c> with
    /// OpenTelemetry.
    /// </summary>
    public const string MeterName = "FlowBeacon.IpAllowlist";
}
