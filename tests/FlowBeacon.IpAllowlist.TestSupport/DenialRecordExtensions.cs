using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Records the denial of a request, as the check does.</summary>
internal static class DenialRecordExtensions
{
    public static bool Add(this DenialRecord record, HttpContext context, IpAllowlistFeature result, bool isHealth = false) =>
        record.Add(IpAllowlistDiagnostics.OccurrenceOf(context, result, isHealth));
}
