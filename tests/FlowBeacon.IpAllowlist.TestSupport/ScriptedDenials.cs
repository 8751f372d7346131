using System.Net;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>The denials that a test says there were.</summary>
internal sealed class ScriptedDenials : IRecentDenials
{
    private readonly HashSet<(string KeyId, IPAddress Address)> _denied = [];

    public void Add(string keyId, IPAddress address) => _denied.Add((keyId, address));

    public bool WasRecentlyDenied(string keyId, IPAddress address) => _denied.Contains((keyId, address));
}
