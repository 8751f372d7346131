using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the self-diagnosis of the IP allowlist check to an application's health checks.</summary>
public static class IpAllowlistHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that reports <see cref="HealthStatus.Degraded"/>, with what to change, when the keyed traffic of the last hour shows
    /// that the client-address source is probably wrong: most keys come from one private or loopback address, or without a usable one.
    /// </summary>
    /// <param name="builder">The application's health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What to report instead of Degraded.</param>
    /// <param name="tags">Tags to filter checks by.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// <para><c>AddFlowBeaconIpAllowlist()</c> is needed as well.</para>
    /// <para>
    /// The data of the result describe entries that expire within 24 hours although an address in them used the key within the last 24
    /// hours: <c>entries_expiring_in_use</c> is their number, and <c>keys_with_entries_expiring_in_use</c> has the ids of at most ten
    /// such keys. They never change the status. Keys in memory are examined every 10 minutes, those of a repository every hour.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> or <paramref name="name"/> is null.</exception>
    public static IHealthChecksBuilder AddFlowBeaconIpAllowlist(
        this IHealthChecksBuilder builder, string name = "flowbeacon_ip_allowlist",
        HealthStatus failureStatus = HealthStatus.Degraded, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);

        return builder.Add(new HealthCheckRegistration(
            name, services => ActivatorUtilities.CreateInstance<IpAllowlistHealthCheck>(services), failureStatus, tags));
    }
}
