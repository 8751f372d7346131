using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the API-key authentication scheme.</summary>
public static class IpAllowlistAuthenticationBuilderExtensions
{
    private static readonly ObjectFactory<ApiKeyAuthenticationHandler> HandlerFactory =
        ActivatorUtilities.CreateFactory<ApiKeyAuthenticationHandler>([]);

    /// <summary>
    /// Adds the scheme <c>FlowBeaconApiKey</c>: a valid key from an allowed address becomes a principal with the key's id, name, prefix and
    /// scopes. Challenge and forbid write the same 401 and 403 as the middleware.
    /// </summary>
    /// <param name="builder">The application's authentication.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// <c>AddFlowBeaconIpAllowlist()</c> and <c>UseFlowBeaconIpAllowlist()</c> are needed as well. Register an
    /// <see cref="IAuthorizationMiddlewareResultHandler"/> of the host before this call; otherwise start-up warns.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static AuthenticationBuilder AddFlowBeaconApiKey(this AuthenticationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);

        ServiceDescriptor? inner = builder.Services.LastOrDefault(
            service => service.ServiceType == typeof(IAuthorizationMiddlewareResultHandler));
        builder.Services.AddTransient<IAuthorizationMiddlewareResultHandler>(provider => new ApiKeyAuthorizationResultHandler(
            CreateInner(inner, provider),
            provider.GetRequiredService<IpAllowlistEvaluator>(),
            provider.GetRequiredService<IpAllowlistRecorder>(),
            provider.GetRequiredService<RefusalWriter>()));
        builder.AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(
            ApiKeyAuthenticationDefaults.AuthenticationScheme, "API key", null);

        // By a factory, which the container does not validate: without AddFlowBeaconIpAllowlist(), RequirementsCheck reports that call,
        // while validation would report an internal type.
        builder.Services.Replace(ServiceDescriptor.Transient(provider => HandlerFactory(provider, [])));
        RequirementsCheck.AddTo(builder.Services);
        return builder;
    }

    /// <summary>The result handler that was registered before, or the framework's.</summary>
    private static IAuthorizationMiddlewareResultHandler CreateInner(ServiceDescriptor? descriptor, IServiceProvider provider)
    {
        object? handler = descriptor?.ImplementationInstance ?? descriptor?.ImplementationFactory?.Invoke(provider)
            ?? (descriptor?.ImplementationType is { } type ? ActivatorUtilities.CreateInstance(provider, type) : null);
        return handler as IAuthorizationMiddlewareResultHandler ?? new AuthorizationMiddlewareResultHandler();
    }
}
