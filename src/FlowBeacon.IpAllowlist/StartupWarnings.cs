using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>Warns, after start-up, of settings that are valid but probably not meant; of most of them only outside Development.</summary>
internal sealed class StartupWarnings(
    IOptions<IpAllowlistOptions> options,
    IApiKeyStore store,
    StartupState state,
    IHostEnvironment environment,
    ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (options.Value.UsesProxyProtocol)
        {
            IpAllowlistLog.UsesProxyProtocol(_logger);
        }

        if (environment.IsDevelopment())
        {
            return Task.CompletedTask;
        }

        if (options.Value.ClientIpSource == ClientIpSource.ForwardedForFirst)
        {
            IpAllowlistLog.ForwardedForFirstIsForgeable(_logger);
        }

        if (store is ISynchronousApiKeyStore { Count: 0 })
        {
            IpAllowlistLog.NoKeys(_logger);
        }

        if (state.IsManagementInMemory)
        {
            IpAllowlistLog.KeysInMemory(_logger);
        }

        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
