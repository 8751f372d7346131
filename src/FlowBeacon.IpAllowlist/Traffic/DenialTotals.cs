namespace FlowBeacon.IpAllowlist;

/// <summary>Exact numbers of denials, however many addresses they came from.</summary>
/// <param name="Denied">Requests that were denied.</param>
/// <param name="WouldDeny">Requests that would have been, had the list been enforced.</param>
public sealed record DenialTotals(long Denied, long WouldDeny);
