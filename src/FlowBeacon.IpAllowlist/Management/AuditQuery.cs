namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Which audit entries to read, newest first.</summary>
public sealed record AuditQuery
{
    /// <summary>Only entries about this key; null for all.</summary>
    public string? KeyId { get; init; }

    /// <summary>
    /// <see cref="AuditPage.Next"/> of an earlier page of this query, to read on behind it; null to begin with the newest. It depends on
    /// the <see cref="IAuditLog"/> that made it.
    /// </summary>
    public string? After { get; init; }

    /// <summary>The most entries to return, from 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public int Limit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 50;
}
