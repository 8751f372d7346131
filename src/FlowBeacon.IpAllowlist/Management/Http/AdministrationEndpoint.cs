namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Marks the endpoints of key administration, whose guard decides whether a break-glass key is used or refused.</summary>
internal sealed class AdministrationEndpoint
{
    public static readonly AdministrationEndpoint Mark = new();
}
