using FlowBeacon.IpAllowlist.Addresses;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>What operators see of the request path: counts, and a line where something was refused.</summary>
internal sealed class IpAllowlistDiagnostics(
    IpAllowlistMetrics metrics, IBreakGlassRecord breakGlass, ILoggerFactory loggerFactory, TimeProvider time)
{
    private readonly ILogger _logger = loggerFactory.CreateLogger(IpAllowlistLog.Category);
    private readonly WarningBudget _warnings = new(time);
    private bool _peerRewrittenSaid;

    public void Checked(HttpContext context, IpAllowlistFeature result)
    {
        metrics.Checked(result);
        if (result.Client.Fault == ClientIpFault.PeerRewritten && !Interlocked.Exchange(ref _peerRewrittenSaid, true))
        {
            IpAllowlistLog.PeerRewritten(_logger);
        }

        if (result.Outcome == IpAllowlistOutcome.Denied)
        {
            Denied(context, result);
        }
        else if (result.Outcome == IpAllowlistOutcome.InvalidKey)
        {
            IpAllowlistLog.InvalidKey(_logger);
        }
    }

    public void BreakGlassKeyUsed(IpAllowlistFeature result)
    {
        ApiKey key = result.Key!;
        string? clientIp = result.ClientIp?.ToString();
        metrics.BreakGlassKeyUsed();
        IpAllowlistLog.BreakGlassKeyUsed(_logger, key.Id, PrintableText.Quote(result.KeyPrefix), clientIp ?? "unknown");
        breakGlass.Used(key, clientIp);
    }

    public void StoreFailed() => metrics.StoreFailed();

    public void ResponseAlreadyStarted() => IpAllowlistLog.ResponseAlreadyStarted(_logger);

    private void Denied(HttpContext context, IpAllowlistFeature result)
    {
        bool first = _warnings.TrySpend();
        if (!_logger.IsEnabled(first ? LogLevel.Warning : LogLevel.Debug))
        {
            return;
        }

        ApiKey key = result.Key!;
        string prefix = PrintableText.Quote(result.KeyPrefix);
        string clientIp = result.ClientIp?.ToString() ?? "unknown";
        string forwardedFor = PrintableText.Quote(context.Request.Headers[ClientIpResolver.ForwardedForHeader].ToString());
        IpAllowlistDenialReason reason = result.DenialReason!.Value;
        if (first)
        {
            IpAllowlistLog.Denied(_logger, key.Id, prefix, clientIp, result.ClientIpOrigin, reason, forwardedFor);
        }
        else
        {
            IpAllowlistLog.DeniedRepeatedly(_logger, key.Id, prefix, clientIp, result.ClientIpOrigin, reason, forwardedFor);
        }
    }
}
