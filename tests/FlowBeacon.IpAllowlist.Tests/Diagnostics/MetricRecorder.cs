using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>
/// Keeps what the library's meter of one host measures. An observed counter is reported as if each count since then had been measured.
/// </summary>
internal sealed class MetricRecorder : IDisposable
{
    private const string Prefix = "flowbeacon.ip_allowlist.";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Instrument, long Value, KeyValuePair<string, object?>[] Tags)> _measurements = new();
    private readonly SortedDictionary<(string Instrument, string Tags), (long Value, KeyValuePair<string, object?>[] Tags)> _totals = [];
    private readonly Dictionary<(string Instrument, string Tags), long> _totalsAtStart;

    public MetricRecorder(IServiceProvider services)
    {
        IMeterFactory factory = services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "FlowBeacon.IpAllowlist" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (instrument is ObservableCounter<long>)
            {
                _totals[(instrument.Name, string.Join(' ', tags.ToArray().Select(Text)))] = (value, tags.ToArray());
            }
            else
            {
                _measurements.Enqueue((instrument.Name, value, tags.ToArray()));
            }
        });
        _listener.SetMeasurementEventCallback<int>(
            (instrument, value, tags, _) => _measurements.Enqueue((instrument.Name, value, tags.ToArray())));
        _listener.Start();
        ReadGauges();
        _totalsAtStart = _totals.ToDictionary(total => total.Key, total => total.Value.Value);
        _measurements.Clear();
    }

    /// <summary>Each tag with its value, of every measurement.</summary>
    public IReadOnlyList<string> Tags => [.. Measurements().SelectMany(measurement => measurement.Tags).Select(Text)];

    /// <summary>The measurements of an instrument, each as its value and tags.</summary>
    public IReadOnlyList<string> Of(string instrument) =>
        [.. Measurements().Where(measurement => measurement.Instrument == Prefix + instrument)
            .Select(measurement => measurement.Tags.Select(Text).Prepend(FormattableString.Invariant($"{measurement.Value}")))
            .Select(words => string.Join(' ', words))];

    public long Sum(string instrument) =>
        Measurements().Where(measurement => measurement.Instrument == Prefix + instrument).Sum(measurement => measurement.Value);

    public void ReadGauges() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();

    /// <summary>What was measured so far, and then what the observed counters have gained.</summary>
    private (string Instrument, long Value, KeyValuePair<string, object?>[] Tags)[] Measurements()
    {
        (string Instrument, long Value, KeyValuePair<string, object?>[] Tags)[] measured = [.. _measurements];
        ReadGauges();
        var gained = _totals.Select(
            total => (total.Key.Instrument, Value: total.Value.Value - _totalsAtStart.GetValueOrDefault(total.Key), total.Value.Tags));
        return [.. measured, .. gained.SelectMany(total => Enumerable.Repeat((total.Instrument, 1L, total.Tags), (int)total.Value))];
    }

    private static string Text(KeyValuePair<string, object?> tag) => $"{tag.Key}={tag.Value}";
}
