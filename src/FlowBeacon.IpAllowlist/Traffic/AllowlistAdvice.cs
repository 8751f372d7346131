namespace FlowBeacon.IpAllowlist;

/// <summary>What to do about a key's list, judged by where the key was used from.</summary>
public enum AllowlistAdvice
{
    /// <summary>Nothing was seen in the window, so there is nothing to go by.</summary>
    NothingSeen = 0,

    /// <summary>The key comes from a settled set of addresses: set the suggested list.</summary>
    Allowlist = 1,

    /// <summary>The addresses keep changing, as those of serverless platforms do: a list would lock the key's owner out.</summary>
    DoNotAllowlist = 2,
}
