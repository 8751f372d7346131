using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the API-key authentication scheme.</summary>
public static class IpAllowlistAuthenticationBuilderExtensions
{
    private static readonly ObjectFactory<ApiKeyAuthenticationHandler> MakeHandler =
        ActivatorUtilities.CreateFactory<ApiKeyAuthenticationHandler>([]);

    /// <summary>
    /// Adds the scheme <c>FlowBeaconApiKey</c>: a valid key from an allowed address becomes a principal with the key's id, name, prefix and
    /// scopes. Challenge and forbid answer the same 401 and 403 as the middleware.
    /// </summary>
    /// <param name="builder">The application's authentication.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// <c>AddFlowBeaconIpAllowlist()</c> and <c>UseFlowBeaconIpAllowlist()</c> are needed as well. An
    /// <see cref="IAuthorizationMiddlewareResultHandler"/> of the host must be registered before; start-up warns otherwise.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static AuthenticationBuilder AddFlowBeaconApiKey(this AuthenticationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);

        ServiceDescriptor? inner = builder.Services.LastOrDefault(service => service.ServiceType == typeof(IAuthorizationMiddlewareResultHandler));
        builder.Services.AddTransient<IAuthorizationMiddlewareResultHandler>(provider => new ApiKeyAuthorizationResultHandler(
            Inner(inner, provider),
            provider.GetRequiredService<IpAllowlistEvaluator>(),
            provider.GetRequiredService<IpAllowlistRecorder>(),
            provider.GetRequiredService<RefusalWriter>()));
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ResultHandlerCheck>());
        builder.AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(
            ApiKeyAuthenticationDefaults.AuthenticationScheme, "API key", null);

        // Made by a factory: where AddFlowBeaconIpAllowlist() is missing, the check at start-up says so, and not the validation of
        // services in Development, which would name a type that nobody knows.
        builder.Services.Replace(ServiceDescriptor.Transient(provider => MakeHandler(provider, [])));
        RequirementsCheck.AddTo(builder.Services);
        return builder;
    }

    /// <summary>The result handler that was registered before, or the framework's.</summary>
    private static IAuthorizationMiddlewareResultHandler Inner(ServiceDescriptor? descriptor, IServiceProvider provider) =>
        (descriptor?.ImplementationInstance ?? descriptor?.ImplementationFactory?.Invoke(provider)
            ?? (descriptor?.ImplementationType is { } type ? ActivatorUtilities.CreateInstance(provider, type) : null)) as IAuthorizationMiddlewareResultHandler
        ?? new AuthorizationMiddlewareResultHandler();
}
