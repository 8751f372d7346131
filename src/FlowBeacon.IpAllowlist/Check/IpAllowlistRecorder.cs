using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Records a request when it is admitted or refused: counts, sources, denials, log.</summary>
internal sealed class IpAllowlistRecorder(
    IpAllowlistDiagnostics diagnostics, SourcesSeen sources, SecretsSeen secrets, VerdictCache verdicts, CoarseClock clock)
{
    /// <summary>Records a request, unless it is already recorded.</summary>
    public void RecordOnce(HttpContext context, IpAllowlistFeature result)
    {
        if (RequestState.Get(context) is not { IsRecorded: true })
        {
            RequestState.Change(context, state => state with { IsRecorded = true });
            Record(context, result);
        }
    }

    /// <summary>Records a request. The caller must call it only once.</summary>
    public void Record(HttpContext context, IpAllowlistFeature result)
    {
        if (result.Unavailable is not null)
        {
            // Nothing was checked. The failed look-up is already counted.
            return;
        }

        diagnostics.Checked(context, result);
        if (result.Outcome.Passes())
        {
            CountSource(result);
            RecordBreakGlassUse(context, result);
        }
    }

    /// <summary>Records the use of a break-glass key once, also where the check is disabled and only the scheme admits it.</summary>
    public void RecordBreakGlassUse(HttpContext context, IpAllowlistFeature result)
    {
        if (result.Key!.IsBreakGlass && RequestState.Get(context) is not { IsBreakGlassUseRecorded: true })
        {
            RequestState.Change(context, state => state with { IsBreakGlassUseRecorded = true });
            diagnostics.BreakGlassKeyUsed(context, result);
        }
    }

    /// <summary>
    /// Counts a request to the health endpoint that has a key. Probes without one do not count as checks, and if the request passed the
    /// middleware, it is already counted.
    /// </summary>
    public void RecordHealth(HttpContext context, IpAllowlistFeature result)
    {
        if (result.Outcome == IpAllowlistOutcome.NoKey || result.Unavailable is not null
            || RequestState.Get(context) is { IsRecorded: true })
        {
            return;
        }

        diagnostics.HealthAsked(context, result);
        if (result.Outcome.Passes())
        {
            RecordBreakGlassUse(context, result);
        }
    }

    /// <summary>
    /// The result for a request whose principal has a key that the verdict does not admit: an invalid key, unless it is denied.
    /// </summary>
    /// <param name="result">The verdict now.</param>
    /// <param name="earlier">The earlier verdict that the principal is based on; null if there is none.</param>
    public IpAllowlistFeature RefusePrincipal(IpAllowlistFeature result, IpAllowlistFeature? earlier)
    {
        if (!result.IsAboutSame(earlier))
        {
            diagnostics.ChangedBeforeCheck();
        }

        return result.Outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.InvalidKey ? result : IpAllowlistFeature.InvalidKey;
    }

    /// <summary>Logs once if authorization refuses a request that the check has not seen, and might have admitted.</summary>
    public void RefusedByAuthorization(HttpContext context)
    {
        if (!KeyRequirement.IsDisabledFor(context) && RequestState.Get(context)?.CheckedBy is null)
        {
            diagnostics.RefusedBeforeCheck();
        }
    }

    private void CountSource(IpAllowlistFeature result)
    {
        // Read before a source is admitted, which must not seem to have been there before this request.
        uint now = clock.Now;
        SourceCell? source = result.Source;
        if (source is null or { IsEvicted: true })
        {
            source = sources.Admit(result.Key!.Id, result.Client);
            verdicts.Keep(result, source);
        }

        if (result.Key!.Retiring is not null)
        {
            secrets.Seen(result.Key, result.Secret, source, now);
        }

        source.Seen(now);
    }
}
