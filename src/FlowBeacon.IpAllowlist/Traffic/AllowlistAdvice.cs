namespace FlowBeacon.IpAllowlist;

/// <summary>The advice about a key's list, based on where the key was used from.</summary>
public enum AllowlistAdvice
{
    /// <summary>No use was seen in the window, so no suggestion is possible.</summary>
    NothingSeen = 0,

    /// <summary>The key is used from a stable set of addresses: set the suggested list.</summary>
    Allowlist = 1,

    /// <summary>The addresses keep changing, as those of serverless platforms do: a list would lock out the key's users.</summary>
    DoNotAllowlist = 2,
}
