namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A part of a listing of keys.</summary>
public sealed record ApiKeyPage
{
    /// <summary>The keys, in the ordinal order of their ids.</summary>
    public required IReadOnlyList<ApiKeyDetails> Keys { get; init; }

    /// <summary>The value of <see cref="ApiKeyQuery.After"/> for the next page; null if there is none.</summary>
    public string? Next { get; init; }
}
