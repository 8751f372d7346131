using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>Keeps what the library's meter of one host measures.</summary>
internal sealed class MetricRecorder : IDisposable
{
    private const string Prefix = "flowbeacon.ip_allowlist.";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Instrument, long Value, KeyValuePair<string, object?>[] Tags)> _measurements = new();

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
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _measurements.Enqueue((instrument.Name, value, tags.ToArray())));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => _measurements.Enqueue((instrument.Name, value, tags.ToArray())));
        _listener.Start();
    }

    /// <summary>Each tag with its value, of every measurement.</summary>
    public IReadOnlyList<string> Tags => [.. _measurements.SelectMany(measurement => measurement.Tags).Select(Text)];

    /// <summary>The measurements of an instrument, each as its value and tags.</summary>
    public IReadOnlyList<string> Of(string instrument) =>
        [.. _measurements.Where(measurement => measurement.Instrument == Prefix + instrument)
            .Select(measurement => string.Join(' ', measurement.Tags.Select(Text).Prepend(FormattableString.Invariant($"{measurement.Value}"))))];

    public long Sum(string instrument) => _measurements.Where(measurement => measurement.Instrument == Prefix + instrument).Sum(measurement => measurement.Value);

    public void ReadGauges() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();

    private static string Text(KeyValuePair<string, object?> tag) => $"{tag.Key}={tag.Value}";
}
