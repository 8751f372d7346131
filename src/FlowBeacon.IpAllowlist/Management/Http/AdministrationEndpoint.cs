namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Marks the endpoints of key administration, whose guard admits or refuses break-glass keys.</summary>
internal sealed class AdministrationEndpoint
{
    public static readonly AdministrationEndpoint Mark = new();
}
