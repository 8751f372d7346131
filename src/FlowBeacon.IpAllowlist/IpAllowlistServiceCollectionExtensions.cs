using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the IP allowlist check to an application's services.</summary>
public static class IpAllowlistServiceCollectionExtensions
{
    /// <summary>
    /// Adds the check of API keys and their allowlists, with the default settings. <c>app.UseFlowBeaconIpAllowlist()</c> puts it into the
    /// pipeline.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <returns>A builder for keys and key administration.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IpAllowlistBuilder AddFlowBeaconIpAllowlist(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);

        services.AddLogging();
        services.AddMetrics();
        services.AddOptions<IpAllowlistOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<IpAllowlistOptions>, IpAllowlistOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IApiKeyStore, InMemoryApiKeyStore>();
        services.TryAddSingleton(StoreInUse);
        services.TryAddSingleton(provider => new ApiKeyReader(Settings(provider).ApiKeyHeaderName, Settings(provider).ApiKeyPrefix));
        services.TryAddSingleton(provider => new ClientIpResolver(
            Settings(provider).ClientIpSource,
            IpNetworkSet.Parse(Settings(provider).TrustedProxies, nameof(IpAllowlistOptions.TrustedProxies), out _),
            Settings(provider).UsesProxyProtocol));
        services.TryAddSingleton<IClientIpResolver>(provider => provider.GetRequiredService<ClientIpResolver>());
        services.TryAddSingleton<ConfigurationKeys>();
        services.TryAddSingleton<CoarseClock>();
        services.TryAddSingleton<DenialRecord>();
        services.TryAddSingleton(provider => new SourcesSeen(
            provider.GetRequiredService<CoarseClock>(), Settings(provider).MaxSourcesPerKey));
        services.TryAddSingleton<SecretsSeen>();
        services.TryAddSingleton<ProcessTraffic>();
        services.TryAddSingleton<IApiKeyTraffic>(provider => provider.GetRequiredService<ProcessTraffic>());
        services.TryAddSingleton(provider => new LocalTraffic(
            provider.GetRequiredService<DenialRecord>(),
            provider.GetRequiredService<SourcesSeen>(),
            provider.GetRequiredService<SecretsSeen>(),
            provider.GetRequiredService<ProcessTraffic>()));
        services.TryAddSingleton(provider => new ClientIpSourceDiagnosis(
            provider.GetRequiredService<SourcesSeen>(),
            provider.GetRequiredService<DenialRecord>(),
            provider.GetRequiredService<CoarseClock>(),
            Settings(provider).ClientIpSource,
            provider.GetRequiredService<ILoggerFactory>()));
        services.TryAddSingleton<IClientIpSourceDiagnosis>(provider => provider.GetRequiredService<ClientIpSourceDiagnosis>());
        services.TryAddSingleton<IpAllowlistMetrics>();
        services.TryAddSingleton<IpAllowlistDiagnostics>();
        services.TryAddSingleton(VerdictsOfStore);
        services.TryAddSingleton<IpAllowlistRecorder>();
        services.TryAddSingleton<IpAllowlistEvaluator>();
        services.TryAddSingleton(provider => new RefusalWriter(
            Settings(provider).ApiKeyHeaderName,
            Settings(provider).ShowClientIp,
            provider.GetService<IServiceProviderIsService>()?.IsService(typeof(IProblemDetailsService)) ?? true,
            Settings(provider).OnDenied,
            provider.GetRequiredService<IpAllowlistDiagnostics>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, AttributeGuardPolicy>());

        // Types of responses in the host's OpenAPI document, for hosts without reflection. It is used last.
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(ProblemJsonContext.Default));
        services.TryAddSingleton<StartupState>();
        services.TryAddSingleton(provider => new KeysInForce(
            provider.GetRequiredService<IApiKeyStore>(),
            () => RepositoryOfHost(services, provider),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ExpiringEntriesFound>();
        RequirementsCheck.AddTo(services);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StartupWarnings>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ClientIpSourceWatch>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ExpiringEntriesWatch>());
        return new IpAllowlistBuilder(services);
    }

    /// <summary>Adds the check of API keys and their allowlists. <c>app.UseFlowBeaconIpAllowlist()</c> puts it into the pipeline.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the settings. They are validated at start-up.</param>
    /// <returns>A builder for keys and key administration.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IpAllowlistBuilder AddFlowBeaconIpAllowlist(this IServiceCollection services, Action<IpAllowlistOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);

        services.Configure(configure);
        return services.AddFlowBeaconIpAllowlist();
    }

    /// <summary>
    /// Adds the check of API keys and their allowlists, with settings from configuration. <c>app.UseFlowBeaconIpAllowlist()</c> puts it
    /// into the pipeline.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="section">
    /// A section of the host's configuration, whose members are properties of <see cref="IpAllowlistOptions"/>. It is read once: changes
    /// need a restart.
    /// </param>
    /// <returns>A builder for keys and key administration.</returns>
    /// <remarks>
    /// Start-up stops if the section is missing (write <c>{}</c> for the defaults), has an unknown name, an invalid value or a
    /// setting without a value, or has a list, such as <see cref="IpAllowlistOptions.TrustedProxies"/>, that comes from two sources:
    /// lists merge by index, so a shorter one would leave entries of the longer one in force. Set a delegate
    /// (<see cref="IpAllowlistOptions.OnDenied"/>) with <c>services.Configure&lt;IpAllowlistOptions&gt;(options => …)</c>.
    /// </remarks>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IpAllowlistBuilder AddFlowBeaconIpAllowlist(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);

        services.Configure<IpAllowlistOptions>(options =>
        {
            section.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
            IConfigurationSection scopes = section.GetSection(nameof(options.Scopes));
            if (scopes.Value?.Length == 0 && !scopes.GetChildren().Any())
            {
                // The binder sets null for [], but null means the default.
                options.Scopes = [];
            }
        });
        services.AddSingleton<IValidateOptions<IpAllowlistOptions>>(
            provider => new SettingsSectionValidator(section, provider.GetRequiredService<IConfiguration>()));
        return services.AddFlowBeaconIpAllowlist();
    }

    /// <summary>The in-memory store, if lookups use it: keys in an unused store would never be found.</summary>
    private static InMemoryApiKeyStore StoreInUse(IServiceProvider provider) =>
        InMemoryStore(provider) ?? throw new InvalidOperationException(
            $"AddKeysFromConfiguration() and key administration in memory change the {nameof(InMemoryApiKeyStore)}, but the registered"
            + $" {nameof(IApiKeyStore)} is {provider.GetRequiredService<IApiKeyStore>().GetType()}. Remove one of the two, and change keys"
            + " where that store finds them; for key administration call"
            + $" builder.Services.AddSingleton<{nameof(IApiKeyRepository)}, …>().");

    /// <summary>The repository, unless it is the default one, whose keys are those of the store in memory.</summary>
    private static IApiKeyRepository? RepositoryOfHost(IServiceCollection services, IServiceProvider provider) =>
        services.LastOrDefault(service => service.ServiceType == typeof(IApiKeyRepository))?.ImplementationType
            == typeof(InMemoryApiKeyRepository)
            ? null
            : provider.GetService<IApiKeyRepository>();

    private static VerdictCache VerdictsOfStore(IServiceProvider provider)
    {
        var verdicts = new VerdictCache();
        if (InMemoryStore(provider) is { } store)
        {
            store.AllReplaced += verdicts.Clear;
        }

        return verdicts;
    }

    private static InMemoryApiKeyStore? InMemoryStore(IServiceProvider provider) =>
        provider.GetRequiredService<IApiKeyStore>() as InMemoryApiKeyStore;

    private static IpAllowlistOptions Settings(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<IpAllowlistOptions>>().Value;
}
