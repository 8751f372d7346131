namespace FlowBeacon.IpAllowlist;

/// <summary>A page of the denials that match a query.</summary>
public sealed record DenialPage
{
    /// <summary>The denials, in the order of the query.</summary>
    public required IReadOnlyList<Denial> Denials { get; init; }

    /// <summary>
    /// The value of <see cref="DenialQuery.After"/> for the next page; null if there is none. It is safe to put into a URL.
    /// </summary>
    public string? Next { get; init; }
}
