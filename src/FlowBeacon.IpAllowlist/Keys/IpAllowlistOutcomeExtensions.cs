namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>Extensions of outcomes.</summary>
internal static class IpAllowlistOutcomeExtensions
{
    /// <summary>Whether a request with a valid key is let through.</summary>
    public static bool Passes(this IpAllowlistOutcome outcome) =>
        outcome is IpAllowlistOutcome.Allowed or IpAllowlistOutcome.Unrestricted or IpAllowlistOutcome.WouldDeny;
}
