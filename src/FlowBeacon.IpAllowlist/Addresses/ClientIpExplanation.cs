namespace FlowBeacon.IpAllowlist;

/// <summary>How the client address of a request was found, for people.</summary>
public sealed record ClientIpExplanation
{
    /// <summary>The client address, or why there is none.</summary>
    public required ClientIpResolution Client { get; init; }

    /// <summary>The rule by which it was found.</summary>
    public required ClientIpSource Source { get; init; }

    /// <summary>
    /// The addresses that were read, in that order. Other entries of X-Forwarded-For were not read. Empty if the peer was replaced in this
    /// process, because then no address is trusted.
    /// </summary>
    public required IReadOnlyList<ClientIpStep> Steps { get; init; }

    /// <summary>Why reading stopped at the last of them, in one or two sentences.</summary>
    public required string Conclusion { get; init; }
}
