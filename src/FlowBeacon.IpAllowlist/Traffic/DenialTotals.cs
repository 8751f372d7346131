namespace FlowBeacon.IpAllowlist;

/// <summary>Exact numbers of denials, however many addresses they came from.</summary>
public sealed record DenialTotals
{
    /// <summary>Requests that were denied.</summary>
    public required long Denied { get; init; }

    /// <summary>Requests that would have been denied if the list had been enforced.</summary>
    public required long WouldDeny { get; init; }
}
