
namespace FlowBeacon.IpAllowlist;

/// <summary>An address that used a key successfully.</summary>
public sealed record SourceSeen
{
    /// <summary>The client address in canonical text; null for uses without a usable address.</summary>
    public required string? ClientIp { get; init; }

    /// <summary>Where the address came from, when it was first seen.</summary>
    public required ClientIpOrigin ClientIpOrigin { get; init; }

    /// <summary>When it was first seen, to the second.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When it was last seen, to the second.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>How often: exact for the first 256 uses, within about 10 % from there on.</summary>
    public required long Count { get; init; }
}
