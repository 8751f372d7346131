namespace FlowBeacon.IpAllowlist;

/// <summary>How many denials of a key were added, including those of addresses without a row.</summary>
public sealed record DenialTotalsChange
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>Requests that were denied.</summary>
    public required long Denied { get; init; }

    /// <summary>Requests that would have been denied if the list had been enforced.</summary>
    public required long WouldDeny { get; init; }

    /// <summary>When the record of the key's denials began, to the second; it may lie before earlier batches.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When the last of them happened, to the second.</summary>
    public required DateTimeOffset LastSeen { get; init; }
}
