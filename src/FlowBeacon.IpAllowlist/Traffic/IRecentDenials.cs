using System.Net;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>What recovery asks of the record of denials.</summary>
internal interface IRecentDenials
{
    /// <summary>Whether a key was denied from an address not long ago.</summary>
    bool WasRecentlyDenied(string keyId, IPAddress address);
}
