using BenchmarkDotNet.Attributes;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// What the records of traffic cost: an allowed request beside the one thing it does for them, and the requests that are put on record as
/// denials, or as what would be one.
/// </summary>
[MemoryDiagnoser]
public class TrafficRecordBenchmarks
{
    private const int Addresses = 65_536;

    private readonly RequestDelegate _pipeline = Samples.CheckedPipeline(Samples.Store());
    private readonly CoarseClock _clock = new(TimeProvider.System);
    private readonly SourceCell _cell = new(ClientIp.Peer(IpAddressValue.FromIPv4(1)), now: 0);

    private readonly HttpContext _allowed = Samples.Request(Samples.Restricted, Samples.ListedIPv4);
    private readonly HttpContext _allowedInReportOnly = Samples.Request(Samples.Rehearsed, Samples.ListedIPv4);
    private readonly HttpContext _wouldDeny = Samples.Request(Samples.Rehearsed, Samples.Unlisted);
    private readonly HttpContext _denied = Samples.Request(Samples.Restricted, Samples.Unlisted);
    private readonly StringValues[] _oneAddress = [.. Enumerable.Repeat(new StringValues(Samples.Forged(0)), Addresses)];
    private readonly StringValues[] _newAddresses =
        [.. Enumerable.Range(0, Addresses).Select(number => new StringValues(Samples.Forged(number)))];
    private uint _next;

    [Benchmark(Baseline = true)]
    public Task Allowed() => Samples.Send(_pipeline, _allowed);

    /// <summary>All that an allowed request does for the sources seen, once they hold its address.</summary>
    [Benchmark]
    public void SourceSeenAlone() => _cell.Seen(_clock.Now);

    [Benchmark]
    public Task AllowedInReportOnly() => Samples.Send(_pipeline, _allowedInReportOnly);

    [Benchmark]
    public Task WouldDeny() => Samples.Send(_pipeline, _wouldDeny);

    [Benchmark]
    public Task DeniedFromOneAddress() => SendFromNext(_oneAddress);

    [Benchmark]
    public Task DeniedFromNewAddresses() => SendFromNext(_newAddresses);

    /// <summary>Writes the header for either kind of denial, so that they differ in the addresses alone.</summary>
    private Task SendFromNext(StringValues[] addresses)
    {
        _denied.Request.Headers["X-Forwarded-For"] = addresses[_next++ % Addresses];
        return Samples.Send(_pipeline, _denied);
    }
}
