namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The risk of a change as text, for the audit trail and for refusals.</summary>
internal static class ChangeText
{
    public static string? Join(params IEnumerable<string?> details)
    {
        string[] present = [.. details.OfType<string>()];
        return present.Length == 0 ? null : string.Join("; ", present);
    }

    public static string Sources(LockoutRisk risk)
    {
        const int MaxShown = 10;
        string shown = string.Join(
            ", ", risk.Sources.Take(MaxShown).Select(source => source.ClientIp ?? "requests without a usable address"));
        return risk.Sources.Count <= MaxShown ? shown : $"{shown} and {risk.Sources.Count - MaxShown} more";
    }

    /// <summary>When and from where a secret was used.</summary>
    public static string Use(SecretUse use) => $"at {use.LastSeen:u} from {use.ClientIp ?? "no usable address"}";

    /// <summary>What an accepted risk was about, for the audit trail.</summary>
    public static string AcceptedRisk(LockoutRisk risk)
    {
        const string NotRemembered = "sources that are no longer remembered";
        return !risk.AreOlderEvicted ? Sources(risk)
            : risk.Sources.Count == 0 ? NotRemembered
            : $"{Sources(risk)} and {NotRemembered}";
    }
}
