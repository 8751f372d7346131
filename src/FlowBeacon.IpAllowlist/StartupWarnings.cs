using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
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
    IOptions<AuthenticationOptions> authentication,
    IServiceScopeFactory scopes,
    IServiceProvider services,
    TimeProvider time,
    ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private static readonly TimeSpan LongestCount = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (options.Value.UsesProxyProtocol)
        {
            IpAllowlistLog.UsesProxyProtocol(_logger);
        }

        if (authentication.Value.SchemeMap.ContainsKey(ApiKeyAuthenticationDefaults.AuthenticationScheme))
        {
            await WarnOfReplacedResultHandlerAsync();
        }

        if (options.Value.RequireAllowlist)
        {
            await WarnOfKeysWithoutAllowlistAsync(cancellationToken);
        }

        if (environment.IsDevelopment())
        {
            return;
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
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "A warning must not stop start-up, whatever the store throws.")]
    private async Task WarnOfKeysWithoutAllowlistAsync(CancellationToken cancellationToken)
    {
        try
        {
            int count = await CountKeysWithoutAllowlistAsync(cancellationToken).WaitAsync(LongestCount, time, cancellationToken);
            if (count > 0)
            {
                IpAllowlistLog.KeysWithoutAllowlist(_logger, count);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            IpAllowlistLog.KeysWithoutAllowlistUnknown(_logger, exception);
        }
    }

    /// <summary>The keys in memory, which may be put there in code, or else those of the repository. Revoked ones do not count.</summary>
    private async Task<int> CountKeysWithoutAllowlistAsync(CancellationToken cancellationToken)
    {
        if (store is InMemoryApiKeyStore memory)
        {
            return memory.Keys.Count(IsWithoutAllowlist);
        }

        int count = 0;
        string? after = null;
        if (services.GetService<IApiKeyRepository>() is { } repository)
        {
            IReadOnlyList<ApiKeyDetails> page;
            do
            {
                var query = new ApiKeyQuery { After = after, Limit = ApiKeyLimits.MaxPageSize };
                page = await repository.ListAsync(query, time.GetUtcNow(), cancellationToken);
                count += page.Count(details => IsWithoutAllowlist(details.Key));
                after = page.Count == 0 ? null : page[^1].Key.Id;
            }
            while (page.Count == ApiKeyLimits.MaxPageSize);
        }

        return count;
    }

    private static bool IsWithoutAllowlist(ApiKey key) => key.LacksAllowlist && !key.IsRevoked;

    /// <summary>A result handler that is registered after <c>AddFlowBeaconApiKey()</c> replaces ours and with it the 401 and 403.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "A warning must not stop start-up: a handler may need a request.")]
    private async Task WarnOfReplacedResultHandlerAsync()
    {
        // Handlers may be scoped services.
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        try
        {
            if (scope.ServiceProvider.GetService<IAuthorizationMiddlewareResultHandler>() is { } handler
                and not ApiKeyAuthorizationResultHandler)
            {
                IpAllowlistLog.ResultHandlerReplaced(_logger, handler.GetType());
            }
        }
        catch (Exception)
        {
            // The handler cannot be made outside a request, so it cannot be checked.
        }
    }
}
