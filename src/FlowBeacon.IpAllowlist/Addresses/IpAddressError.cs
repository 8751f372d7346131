namespace FlowBeacon.IpAllowlist;

/// <summary>One refused entry of an allowlist.</summary>
/// <param name="Index">The entry's place in the list, from 0; <see cref="WholeList"/> if the fault is not one entry's.</param>
/// <param name="Message">
/// What is wrong and what to write instead, with the entry's text bounded and escaped, such as
/// <c>'10.0.0.0/8' is a CIDR range; list each address</c>.
/// </param>
public sealed record IpAddressError(int Index, string Message)
{
    /// <summary>The place of a fault of the list as a whole.</summary>
    public const int WholeList = -1;
}
