namespace FlowBeacon.IpAllowlist;

/// <summary>One refused entry of an allowlist.</summary>
public sealed record IpAddressError
{
    /// <summary>The index of a fault of the list as a whole.</summary>
    public const int WholeList = -1;

    /// <summary>The entry's index in the list, from 0; <see cref="WholeList"/> if the fault is not about one entry.</summary>
    public required int Index { get; init; }

    /// <summary>
    /// What is wrong and what to write instead, with the entry's text bounded and escaped, such as
    /// <c>'10.0.0.*' is a wildcard; list each address</c>.
    /// </summary>
    public required string Message { get; init; }
}
