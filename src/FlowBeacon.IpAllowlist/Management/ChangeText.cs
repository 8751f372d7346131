using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What a change was, in words for the audit trail and for refusals.</summary>
internal static class ChangeText
{
    public static string? Differences(ApiKey before, ApiKey after)
    {
        var differences = new List<string>();
        if (before.Name != after.Name)
        {
            differences.Add($"name was {before.Name}");
        }

        if (!before.Scopes.SequenceEqual(after.Scopes))
        {
            differences.Add($"scopes were [{string.Join(", ", before.Scopes)}] and are [{string.Join(", ", after.Scopes)}]");
        }

        if (before.ExpiresAt != after.ExpiresAt)
        {
            differences.Add($"expiry was {before.ExpiresAt?.ToString("u") ?? "never"} and is {after.ExpiresAt?.ToString("u") ?? "never"}");
        }

        if (before.AllowlistMode != after.AllowlistMode)
        {
            differences.Add($"allowlist mode was {SnakeCase.Of(before.AllowlistMode)}"
                + $" and is {SnakeCase.Of(after.AllowlistMode)}");
        }

        return Join(differences);
    }

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

    /// <summary>What an accepted risk was about, for the audit trail.</summary>
    public static string AcceptedRisk(LockoutRisk risk)
    {
        const string NotRemembered = "sources that are no longer remembered";
        return !risk.AreOlderEvicted ? Sources(risk)
            : risk.Sources.Count == 0 ? NotRemembered
            : $"{Sources(risk)} and {NotRemembered}";
    }
}
