using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>One denial, as the request that suffered it leaves it behind for the record.</summary>
internal sealed class DenialNote
{
    public required KeyDenials Key { get; init; }

    /// <summary>Whether the request passed all the same, because the list was only rehearsed.</summary>
    public required bool IsReportOnly { get; init; }

    /// <summary>Whether the request only asked the health endpoint.</summary>
    public bool IsHealth { get; init; }

    public required ClientIp Client { get; init; }

    public required IpAllowlistDenialReason Reason { get; init; }

    public required string Method { get; init; }

    public required string Path { get; init; }

    public required uint At { get; init; }

    /// <summary>The note that was left before this one.</summary>
    public DenialNote? Earlier { get; set; }
}
