using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>One denial as it happens.</summary>
/// <param name="KeyId">The key's id.</param>
/// <param name="Client">The client address.</param>
/// <param name="Reason">Why.</param>
/// <param name="IsReportOnly">Whether the request passed, because the list was in report-only mode.</param>
/// <param name="IsHealth">Whether the request was to the health endpoint: it is kept apart and does not count in totals.</param>
/// <param name="Method">The request's method.</param>
/// <param name="Path">The request's path, without the query.</param>
internal readonly record struct DenialOccurrence(
    string KeyId, ClientIp Client, IpAllowlistDenialReason Reason, bool IsReportOnly, bool IsHealth, string Method, string Path);
