namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Says of a change what cuts traffic off without being a change of the list, so that the lock-out guard does not look at it.
/// </summary>
internal static class CutOffWarnings
{
    private const int SoonHours = 24;

    /// <summary>Warns of an expiry that comes within a day.</summary>
    /// <param name="expiresAt">The expiry that the request sets; null if it sets none.</param>
    /// <param name="now">The time.</param>
    public static IEnumerable<string> AboutExpiry(DateTimeOffset? expiresAt, DateTimeOffset now)
    {
        if (expiresAt <= now.AddHours(SoonHours))
        {
            yield return $"expires_at: the key stops working at {expiresAt:u}, within {SoonHours} hours;"
                + " the lock-out guard does not look at expiries";
        }
    }

    /// <summary>Warns of scopes that were all taken away.</summary>
    public static IEnumerable<string> AboutScopes(ApiKey before, ApiKey after)
    {
        if (before.Scopes.Count > 0 && after.Scopes.Count == 0)
        {
            yield return "scopes: the key has none any more, so every endpoint that requires one refuses it;"
                + " the lock-out guard does not look at scopes";
        }
    }
}
