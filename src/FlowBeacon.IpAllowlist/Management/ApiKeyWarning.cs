namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Something about a change that is legal and probably not meant. It refuses nothing.</summary>
public sealed record ApiKeyWarning
{
    /// <summary>What it is about.</summary>
    public required ApiKeyWarningKind Kind { get; init; }

    /// <summary>What to know, for people: a sentence without its end mark, such as <c>224.0.0.1 is a multicast address; …</c>.</summary>
    public required string Message { get; init; }

    /// <summary>The entry of the list that it is about, in canonical text; null if it is not about one.</summary>
    public string? Entry { get; init; }
}
