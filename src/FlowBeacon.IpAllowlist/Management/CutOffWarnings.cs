namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Warns of changes that cut traffic off without changing the list, and that the lock-out guard therefore does not see.</summary>
internal static class CutOffWarnings
{
    private const int SoonHours = 24;

    /// <summary>Warns of an expiry within a day.</summary>
    public static IEnumerable<string> AboutExpiry(DateTimeOffset? expiresAt, DateTimeOffset now)
    {
        if (expiresAt <= now.AddHours(SoonHours))
        {
            yield return $"expires_at: the key stops working at {expiresAt:u}, within {SoonHours} hours;"
                + " the lock-out guard does not look at expiries";
        }
    }

    /// <summary>Warns when the last scope is taken away.</summary>
    public static IEnumerable<string> AboutScopes(ApiKey before, ApiKey after)
    {
        if (before.Scopes.Count > 0 && after.Scopes.Count == 0)
        {
            yield return "scopes: the key has none any more, so every endpoint that requires one refuses it;"
                + " the lock-out guard does not look at scopes";
        }
    }
}
