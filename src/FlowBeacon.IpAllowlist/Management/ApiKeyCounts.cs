namespace FlowBeacon.IpAllowlist.Management;

/// <summary>How many keys there are in each state.</summary>
public sealed record ApiKeyCounts
{
    /// <summary>Keys that work.</summary>
    public required long Active { get; init; }

    /// <summary>Keys whose expiry has passed and that are neither disabled nor revoked.</summary>
    public required long Expired { get; init; }

    /// <summary>Keys that are disabled and not revoked.</summary>
    public required long Disabled { get; init; }

    /// <summary>Keys that were revoked.</summary>
    public required long Revoked { get; init; }

    internal static ApiKeyCounts Of(IEnumerable<ApiKeyDetails> keys, DateTimeOffset now)
    {
        Dictionary<ApiKeyState, int> byState = keys.CountBy(details => details.StateAt(now)).ToDictionary();
        return new()
        {
            Active = byState.GetValueOrDefault(ApiKeyState.Active),
            Expired = byState.GetValueOrDefault(ApiKeyState.Expired),
            Disabled = byState.GetValueOrDefault(ApiKeyState.Disabled),
            Revoked = byState.GetValueOrDefault(ApiKeyState.Revoked),
        };
    }

    internal ApiKeyCounts Plus(ApiKeyCounts other) =>
        new()
        {
            Active = Active + other.Active,
            Expired = Expired + other.Expired,
            Disabled = Disabled + other.Disabled,
            Revoked = Revoked + other.Revoked,
        };
}
