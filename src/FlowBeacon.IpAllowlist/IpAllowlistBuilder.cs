using FlowBeacon.IpAllowlist.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlowBeacon.IpAllowlist;

/// <summary>What <c>AddFlowBeaconIpAllowlist()</c> returns: further parts are added to it.</summary>
public sealed class IpAllowlistBuilder
{
    internal IpAllowlistBuilder(IServiceCollection services) => Services = services;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Takes keys from configuration into the in-memory store, at start-up and again whenever the configuration changes.</summary>
    /// <param name="section">
    /// A section of the host's configuration: an object keyed by key name, where each key has <c>Hash</c> (64 hex digits),
    /// <c>AllowedIps</c> (a list; only <c>[]</c> turns the check off) and, if wanted, <c>Prefix</c>, <c>Scopes</c>, <c>ExpiresAt</c>,
    /// <c>AllowlistMode</c> and <c>Demo</c>.
    /// </param>
    /// <returns>This builder.</returns>
    /// <remarks>
    /// A faulty section stops start-up with every fault listed. A faulty reload is logged, and the last good keys stay in force.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="section"/> is null.</exception>
    /// <exception cref="InvalidOperationException">Keys are already taken from a section.</exception>
    public IpAllowlistBuilder AddKeysFromConfiguration(IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        if (Services.Any(service => service.ServiceType == typeof(ConfigurationKeySection)))
        {
            throw new InvalidOperationException("AddKeysFromConfiguration() was called before. Keep all keys in one section, and call it once.");
        }

        Services.AddSingleton(new ConfigurationKeySection(section));
        Services.AddSingleton<IHostedService, ConfigurationKeyLoader>();
        return this;
    }
}
