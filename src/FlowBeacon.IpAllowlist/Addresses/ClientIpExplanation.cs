namespace FlowBeacon.IpAllowlist;

/// <summary>How the client address of a request was found, for people.</summary>
public sealed record ClientIpExplanation
{
    /// <summary>What was found.</summary>
    public required ClientIpResolution Client { get; init; }

    /// <summary>The rule by which it was found.</summary>
    public required ClientIpSource Source { get; init; }

    /// <summary>
    /// The addresses that were read, in that order. An entry of X-Forwarded-For that is not among them was not read. Empty if the peer was
    /// replaced in this process, because then nothing is believed.
    /// </summary>
    public required IReadOnlyList<ClientIpStep> Steps { get; init; }

    /// <summary>Why it ended where it did, in one or two sentences.</summary>
    public required string Conclusion { get; init; }
}
