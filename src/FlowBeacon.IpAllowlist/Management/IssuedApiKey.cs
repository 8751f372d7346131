namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A key whose secret was just made: the only time its raw text is available.</summary>
public sealed class IssuedApiKey
{
    /// <summary>The key.</summary>
    public required ApiKeyDetails Details { get; init; }

    /// <summary>The raw key: show it once, keep it nowhere.</summary>
    public required string RawKey { get; init; }

    /// <summary>
    /// The revision that must be in force on a node for the secret to work there, see <see cref="ApiKeyDetails.Revision"/>.
    /// </summary>
    public long Revision => Details.Revision;

    /// <summary>Warnings: parts of the new key that are allowed but probably a mistake. Empty for a rotation.</summary>
    public IReadOnlyList<ApiKeyWarning> Warnings { get; init; } = [];

    /// <summary>The key without its raw text.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => $"{nameof(IssuedApiKey)} of {Details.Key}";
}
