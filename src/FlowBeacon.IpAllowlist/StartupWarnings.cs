using System.Diagnostics.CodeAnalysis;
using FlowBeacon.IpAllowlist.Authentication;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Warns after start-up about settings that are valid but probably a mistake; about most of them only outside Development.
/// </summary>
internal sealed class StartupWarnings(
    IOptions<IpAllowlistOptions> options,
    IApiKeyStore store,
    StartupState state,
    IHostEnvironment environment,
    IOptions<AuthenticationOptions> authentication,
    IServiceScopeFactory scopes,
    KeysInForce keys,
    TimeProvider time,
    ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private const int MostIdsShown = 10;

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

        if (options.Value.RequireAllowlist || !options.Value.AllowCidrRanges)
        {
            await WarnOfKeptListsAsync(cancellationToken);
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
        Justification = "No exception of the store may stop start-up.")]
    private async Task WarnOfKeptListsAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(LongestCount, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            KeptLists kept = await ReadListsAsync(either.Token).WaitAsync(either.Token);
            if (options.Value.RequireAllowlist && kept.WithoutList > 0)
            {
                string ids = string.Join(", ", kept.FirstIdsWithoutList);
                IpAllowlistLog.KeysWithoutAllowlist(_logger, kept.WithoutList, kept.WithoutList > MostIdsShown ? $"{ids}, ..." : ids);
            }

            if (!options.Value.AllowCidrRanges && kept.Ranges > 0)
            {
                IpAllowlistLog.RangesKept(_logger, kept.Ranges, kept.WithRanges);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            IpAllowlistLog.KeysNotCounted(_logger, exception);
        }
    }

    /// <summary>
    /// Counts the keys that work and have no list, the keys with ranges, and those ranges. Ranges of a key that may work again count, too.
    /// </summary>
    private async Task<KeptLists> ReadListsAsync(CancellationToken cancellationToken)
    {
        int withoutList = 0;
        var firstIds = new SortedSet<string>(StringComparer.Ordinal);
        int withRanges = 0;
        int ranges = 0;
        await foreach (ApiKey key in keys.ReadAsync(cancellationToken))
        {
            if (key.LacksAllowlist && key.WorksAt(time.GetUtcNow()))
            {
                withoutList++;
                firstIds.Add(key.Id);
                if (firstIds.Count > MostIdsShown)
                {
                    firstIds.Remove(firstIds.Max!);
                }
            }

            if (!key.IsRevoked)
            {
                withRanges += key.AllowedIps.RangeCount > 0 ? 1 : 0;
                ranges += key.AllowedIps.RangeCount;
            }
        }

        return new KeptLists(withoutList, firstIds, withRanges, ranges);
    }

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

    private sealed record KeptLists(int WithoutList, IReadOnlyCollection<string> FirstIdsWithoutList, int WithRanges, int Ranges);
}
