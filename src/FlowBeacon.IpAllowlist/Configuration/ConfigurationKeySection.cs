using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>The configuration section that keys are taken from.</summary>
internal sealed record ConfigurationKeySection(IConfigurationSection Section);
