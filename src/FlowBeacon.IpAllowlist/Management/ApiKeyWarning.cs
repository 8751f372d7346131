namespace FlowBeacon.IpAllowlist.Management;

/// <summary>A part of a change that is allowed but probably a mistake. A warning refuses nothing.</summary>
public sealed record ApiKeyWarning
{
    /// <summary>What it is about.</summary>
    public required ApiKeyWarningKind Kind { get; init; }

    /// <summary>The warning, for people: a sentence without a full stop, such as <c>224.0.0.1 is a multicast address; …</c>.</summary>
    public required string Message { get; init; }

    /// <summary>The entry concerned, in canonical text; null if there is none.</summary>
    public string? Entry { get; init; }
}
