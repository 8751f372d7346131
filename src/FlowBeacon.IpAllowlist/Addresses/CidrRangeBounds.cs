namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Which CIDR ranges may be entries of an allowlist. Without bounds (null) a list may contain single addresses only.
/// </summary>
/// <remarks><c>/0</c> contains every address and is always refused.</remarks>
public sealed record CidrRangeBounds
{
    /// <summary>At least <c>/8</c> for IPv4 and <c>/32</c> for IPv6.</summary>
    public static CidrRangeBounds Default { get; } = new();

    /// <summary>Every range but <c>/0</c>: stored ranges are enforced regardless of the current bounds.</summary>
    internal static CidrRangeBounds Widest { get; } = new() { MinIPv4PrefixLength = 1, MinIPv6PrefixLength = 1 };

    /// <summary>The shortest prefix of an IPv4 range, from 1 to 32; 8 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not from 1 to 32.</exception>
    public int MinIPv4PrefixLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 32);
            field = value;
        }
    } = 8;

    /// <summary>The shortest prefix of an IPv6 range, from 1 to 128; 32 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not from 1 to 128.</exception>
    public int MinIPv6PrefixLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 128);
            field = value;
        }
    } = 32;
}
