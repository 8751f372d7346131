using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Configuration;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Management.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>Returned by <c>AddFlowBeaconIpAllowlist()</c>; adds further parts.</summary>
public sealed class IpAllowlistBuilder
{
    internal IpAllowlistBuilder(IServiceCollection services) => Services = services;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Takes keys from configuration into the in-memory store, at start-up and again whenever the configuration changes.</summary>
    /// <param name="section">
    /// A section of the host's configuration: an object keyed by key name, where each key has <c>Hash</c> (64 hex digits),
    /// <c>AllowedIps</c> (a list; only <c>[]</c> turns the check off) and optionally <c>Prefix</c>, <c>Scopes</c>, <c>ExpiresAt</c>,
    /// <c>AllowlistMode</c> and <c>Demo</c>. An item of the list is an address, or an object with <c>Ip</c> and optionally <c>Note</c> and
    /// <c>ExpiresAt</c>; a CIDR range only with <see cref="IpAllowlistOptions.AllowCidrRanges"/>.
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
            throw new InvalidOperationException(
                "AddKeysFromConfiguration() was called before. Keep all keys in one section, and call it once.");
        }

        Services.AddSingleton(new ConfigurationKeySection(section));
        Services.AddSingleton(provider => RulesOf(provider.GetRequiredService<IOptions<IpAllowlistOptions>>().Value));
        Services.AddSingleton<IHostedService, ConfigurationKeyLoader>();
        return this;
    }

    /// <summary>
    /// Adds key administration: <see cref="ApiKeyManager"/> and what <c>app.MapFlowBeaconApiKeys()</c> needs. Keys and audit trail are kept
    /// in memory unless the application registers an <see cref="IApiKeyRepository"/> and an <see cref="IAuditLog"/> of its own.
    /// </summary>
    /// <returns>This builder.</returns>
    public IpAllowlistBuilder AddKeyManagement()
    {
        Services.TryAddSingleton<IAuditLog, InMemoryAuditLog>();
        Services.TryAddSingleton<IApiKeyRepository, InMemoryApiKeyRepository>();
        Services.TryAddSingleton(provider => new ApiKeyManager(
            provider.GetRequiredService<IApiKeyRepository>(),
            provider.GetRequiredService<ConfigurationKeys>(),
            provider.GetRequiredService<IApiKeyTraffic>(),
            provider.GetRequiredService<ClientIpResolver>(),
            provider.GetRequiredService<TimeProvider>(),
            Settings(provider.GetRequiredService<IOptions<IpAllowlistOptions>>().Value)));
        Services.TryAddSingleton<ThrottledAudit>();
        Services.TryAddSingleton<BreakGlassUses>();
        Services.TryAddSingleton<IBreakGlassRecord>(provider => provider.GetRequiredService<BreakGlassUses>());
        Services.TryAddSingleton<AdministratorAdmission>();
        Services.TryAddSingleton<IApiKeyAdmission>(provider => provider.GetRequiredService<AdministratorAdmission>());
        Services.TryAddSingleton<IFleetStatus, SingleNode>();
        Services.PostConfigure<AuthorizationOptions>(AddAdministrationPolicy);
        return this;
    }

    private static ConfigurationKeyRules RulesOf(IpAllowlistOptions options) =>
        new(new ScopeRules([.. options.ScopesInForce]), options.RequireAllowlist, options.RangesInForce);

    private static ApiKeyManagementSettings Settings(IpAllowlistOptions options) =>
        new(options.MaxAddressesPerKey, options.ApiKeyPrefix, options.AuditTimeout, options.ClientIpSource,
            new ScopeRules([.. options.ScopesInForce]), options.RequireAllowlist, options.RangesInForce, options.RecoveryEntryLifetime);

    /// <summary>The default policy, unless the host has one of that name.</summary>
    private static void AddAdministrationPolicy(AuthorizationOptions options)
    {
        if (options.GetPolicy(ApiKeyAdministration.PolicyName) is null)
        {
            options.AddPolicy(
                ApiKeyAdministration.PolicyName, policy => policy.RequireAuthenticatedUser().RequireRole(AdministrationPolicy.Roles));
        }
    }
}
