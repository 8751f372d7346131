using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Warns at start-up if the host registered an <see cref="IAuthorizationMiddlewareResultHandler"/> after <c>AddFlowBeaconApiKey()</c>: it
/// replaces this library's and with it the 401 and 403.
/// </summary>
internal sealed class ResultHandlerCheck(IServiceScopeFactory scopes, ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        // Handlers may be scoped services.
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        if (Resolve(scope.ServiceProvider) is { } handler and not ApiKeyAuthorizationResultHandler)
        {
            IpAllowlistLog.ResultHandlerReplaced(_logger, handler.GetType());
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "A warning must not stop start-up: a handler may need a request.")]
    private static IAuthorizationMiddlewareResultHandler? Resolve(IServiceProvider services)
    {
        try
        {
            return services.GetService<IAuthorizationMiddlewareResultHandler>();
        }
        catch (Exception)
        {
            return null;
        }
    }
}
