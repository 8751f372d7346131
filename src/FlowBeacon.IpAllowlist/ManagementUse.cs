namespace FlowBeacon.IpAllowlist;

/// <summary>Whether key administration is mapped and keeps its keys in this process alone.</summary>
internal sealed class ManagementUse
{
    public bool IsInMemory { get; set; }
}
