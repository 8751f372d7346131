using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Metrics, records and log messages of the request path.</summary>
internal sealed class IpAllowlistDiagnostics(
    IpAllowlistMetrics metrics, DenialRecord denials, ILoggerFactory loggerFactory, TimeProvider time, IBreakGlassRecord? breakGlass = null)
{
    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
    private readonly WarningBudget _warnings = new(time);
    private readonly WarningBudget _storeWarnings = new(time, perMinute: 1);
    private readonly WarningBudget _problemWarnings = new(time, perMinute: 1);
    private bool _peerRewrittenLogged;
    private bool _changedBeforeCheckLogged;
    private bool _changedBehindCheckLogged;
    private bool _refusedBeforeCheckLogged;
    private bool _cacheInFrontLogged;

    public void Checked(HttpContext context, IpAllowlistFeature result)
    {
        metrics.Checked(result.Outcome, result.ClientIpOrigin);
        if (ActivityTags.Wanted() is { } activity)
        {
            ActivityTags.Set(activity, result.Outcome, result.Key?.Id, result.DenialReason);
        }

        if (result.Client.Fault == ClientIpFault.PeerRewritten)
        {
            LogOnce(ref _peerRewrittenLogged, IpAllowlistLog.PeerRewritten);
        }

        if (result.Outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny)
        {
            Denied(context, result);
        }
        else if (result.Outcome == IpAllowlistOutcome.InvalidKey)
        {
            IpAllowlistLog.InvalidKey(_logger);
        }
    }

    /// <summary>Counts a check at the health endpoint, which refuses nothing, and keeps it apart from real denials.</summary>
    public void HealthAsked(HttpContext context, IpAllowlistFeature result)
    {
        metrics.Checked(result.Outcome, result.ClientIpOrigin);
        if (result.Outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny)
        {
            denials.Add(OccurrenceOf(context, result, isHealth: true));
        }
    }

    public void BreakGlassKeyUsed(HttpContext context, IpAllowlistFeature result)
    {
        ApiKey key = result.Key!;
        string? clientIp = result.ClientIp?.ToString();
        metrics.BreakGlassKeyUsed();
        IpAllowlistLog.BreakGlassKeyUsed(_logger, key.Id, PrintableText.Quote(result.KeyPrefix), clientIp ?? "unknown");
        breakGlass?.Used(context, key, clientIp);
    }

    /// <summary>Authentication read another key or client address than the check or authorization.</summary>
    public void ChangedBeforeCheck() => LogOnce(ref _changedBeforeCheckLogged, IpAllowlistLog.ChangedBeforeCheck);

    /// <summary>Code behind the check reads another key or client address than the check.</summary>
    public void ChangedBehindCheck() => LogOnce(ref _changedBehindCheckLogged, IpAllowlistLog.ChangedBehindCheck);

    /// <summary>Authorization refused a request that the check had not seen, and might have admitted.</summary>
    public void RefusedBeforeCheck() => LogOnce(ref _refusedBeforeCheckLogged, IpAllowlistLog.RefusedBeforeCheck);

    /// <summary>A cache is in front of the check.</summary>
    public void CacheInFront() => LogOnce(ref _cacheInFrontLogged, IpAllowlistLog.CacheInFront);

    public void StoreFailed() => metrics.StoreFailed();

    /// <summary>The store reports that it is unavailable.</summary>
    public void StoreUnavailable(ApiKeyStoreUnavailableException unavailable)
    {
        metrics.StoreFailed();
        if (_storeWarnings.TrySpend())
        {
            IpAllowlistLog.StoreUnavailable(_logger, unavailable);
        }
    }

    /// <summary>The host's problem-details service threw, so a refusal has our own body.</summary>
    public void HostProblemFailed(Exception exception)
    {
        if (_problemWarnings.TrySpend())
        {
            IpAllowlistLog.HostProblemFailed(_logger, exception);
        }
    }

    public void ResponseAlreadyStarted() => IpAllowlistLog.ResponseAlreadyStarted(_logger);

    private void LogOnce(ref bool isLogged, Action<ILogger> log)
    {
        if (!Interlocked.Exchange(ref isLogged, true))
        {
            log(_logger);
        }
    }

    internal static DenialOccurrence OccurrenceOf(HttpContext context, IpAllowlistFeature result, bool isHealth) => new(
        result.Key!.Id, result.Client, result.DenialReason!.Value, result.Outcome == IpAllowlistOutcome.WouldDeny, isHealth,
        HttpMethods.GetCanonicalizedValue(context.Request.Method), context.Request.Path.Value ?? "");

    private void Denied(HttpContext context, IpAllowlistFeature result)
    {
        // Only the first denial of a key and address is a warning, and warnings are limited: a client with a key can forge addresses.
        bool first = denials.Add(OccurrenceOf(context, result, isHealth: false)) && _warnings.TrySpend();
        if (!_logger.IsEnabled(first ? LogLevel.Warning : LogLevel.Debug))
        {
            return;
        }

        ApiKey key = result.Key!;
        string prefix = PrintableText.Quote(result.KeyPrefix);
        string clientIp = result.ClientIp?.ToString() ?? "unknown";
        string forwardedFor = PrintableText.Quote(context.Request.Headers[ClientIpResolver.ForwardedForHeader].ToString());
        IpAllowlistDenialReason reason = result.DenialReason!.Value;
        bool isReportOnly = result.Outcome == IpAllowlistOutcome.WouldDeny;
        if (first && reason == IpAllowlistDenialReason.UnreadableList)
        {
            IpAllowlistLog.UnreadableList(_logger, key.Id, prefix);
        }

        Action<ILogger, string, string, string, ClientIpOrigin, IpAllowlistDenialReason, string> log = (isReportOnly, first) switch
        {
            (false, true) => IpAllowlistLog.Denied,
            (false, false) => IpAllowlistLog.DeniedRepeatedly,
            (true, true) => IpAllowlistLog.WouldDeny,
            (true, false) => IpAllowlistLog.WouldDenyRepeatedly,
        };
        log(_logger, key.Id, prefix, clientIp, result.ClientIpOrigin, reason, forwardedFor);
    }
}
