namespace FlowBeacon.IpAllowlist;

/// <summary>The old secret of a rotated key, during its grace period.</summary>
public sealed record RetiringSecret
{
    /// <summary>The hash of the old secret.</summary>
    public required ApiKeyHash Hash { get; init; }

    /// <summary>The first 12 characters of the old raw key.</summary>
    /// <exception cref="ArgumentException">The text is longer than 12 characters. The message does not repeat it.</exception>
    public required string Prefix
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value.Length <= ApiKey.PrefixLength
                ? value
                : throw new ArgumentException(
                    $"A prefix is at most the first {ApiKey.PrefixLength} characters of the raw key.", nameof(value));
        }
    }

    /// <summary>The instant from which the old secret no longer works.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The prefix and the end, never the hash.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => $"{nameof(RetiringSecret)} {Prefix} until {ExpiresAt:u}";
}
