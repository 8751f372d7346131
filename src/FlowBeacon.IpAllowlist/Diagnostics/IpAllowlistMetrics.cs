using System.Diagnostics.Metrics;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>The meter <c>FlowBeacon.IpAllowlist</c>. No tag contains an address or a key.</summary>
internal sealed class IpAllowlistMetrics : IDisposable
{
    private static readonly IpAllowlistOutcome[] Outcomes = Enum.GetValues<IpAllowlistOutcome>();
    private static readonly ClientIpOrigin[] Origins = Enum.GetValues<ClientIpOrigin>();

    private readonly Meter _meter;
    private readonly StripedCounters _checks = new(Outcomes.Length * Origins.Length);
    private readonly Counter<long> _storeFailures;
    private readonly Counter<long> _keyReloads;
    private readonly Counter<long> _breakGlassUses;

    public IpAllowlistMetrics(IMeterFactory meterFactory, IApiKeyStore store)
    {
        _meter = meterFactory.Create(IpAllowlistTelemetry.MeterName);
        _meter.CreateObservableCounter(
            "flowbeacon.ip_allowlist.checks", ReadChecks, "{check}",
            "Requests checked, by outcome and by where the client address came from.");
        _storeFailures = _meter.CreateCounter<long>(
            "flowbeacon.ip_allowlist.store_failures", "{failure}",
            "Key lookups that threw: 503 if the store reported that it is unavailable, otherwise a server error.");
        _keyReloads = _meter.CreateCounter<long>(
            "flowbeacon.ip_allowlist.key_reloads", "{reload}",
            "Reloads of keys from configuration: applied, or rejected with the last good keys kept.");
        _breakGlassUses = _meter.CreateCounter<long>(
            "flowbeacon.ip_allowlist.break_glass_uses", "{use}", "Requests with a break-glass key.");
        if (store is ISynchronousApiKeyStore inMemory)
        {
            _meter.CreateObservableGauge(
                "flowbeacon.ip_allowlist.keys", () => inMemory.Count, "{key}",
                "Keys in a store that answers from memory, expired and revoked ones included.");
        }
    }

    public void Checked(IpAllowlistOutcome outcome, ClientIpOrigin origin) => _checks.Increment(CounterOf(outcome, origin));

    public void BreakGlassKeyUsed() => _breakGlassUses.Add(1);

    public void StoreFailed() => _storeFailures.Add(1);

    public void KeysReloaded(bool applied) =>
        _keyReloads.Add(1, new KeyValuePair<string, object?>("result", applied ? "applied" : "rejected"));

    public void Dispose() => _meter.Dispose();

    private static int CounterOf(IpAllowlistOutcome outcome, ClientIpOrigin origin) => ((int)outcome * Origins.Length) + (int)origin;

    private IEnumerable<Measurement<long>> ReadChecks()
    {
        foreach (IpAllowlistOutcome outcome in Outcomes)
        {
            foreach (ClientIpOrigin origin in Origins)
            {
                if (_checks.Read(CounterOf(outcome, origin)) is > 0 and var count)
                {
                    yield return new(
                        count, new("outcome", SnakeCase.Of(outcome)), new("client_ip_source", SnakeCase.Of(origin)));
                }
            }
        }
    }
}
