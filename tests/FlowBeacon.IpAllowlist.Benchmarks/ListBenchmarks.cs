using System.Net;
using BenchmarkDotNet.Attributes;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>Whether an address is on a list of 1 to 10,000, with and without ranges beside them.</summary>
public class ListBenchmarks
{
    private IpAddressSet _list = null!;
    private IpAddressValue _listed;
    private IpAddressValue _unlisted;
    private IpAddressValue _inRange;
    private HashSet<IPAddress> _framework = null!;
    private IPAddress _address = null!;

    /// <summary>How many addresses the list holds.</summary>
    [Params(1, 4, 32, 10_000)]
    public int Entries { get; set; }

    /// <summary>How many ranges the list holds beside the addresses.</summary>
    [Params(0, 100)]
    public int Ranges { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        string[] texts = [.. Enumerable.Range(0, Entries).Select(entry => $"10.{entry >> 16}.{(entry >> 8) & 255}.{entry & 255}")];
        string[] ranges = [.. Enumerable.Range(0, Ranges).Select(range => $"198.18.{2 * range}.0/24")];
        _list = IpAddressSet.Parse([.. texts, .. ranges], CidrRangeBounds.Default);
        _framework = [.. texts.Select(IPAddress.Parse)];
        _address = IPAddress.Parse(texts[^1]);
        _listed = IpAddressValue.From(_address);
        _inRange = IpAddressValue.From(IPAddress.Parse("198.18.198.9"));
        _unlisted = IpAddressValue.From(IPAddress.Parse("192.0.2.1"));
    }

    [Benchmark(Baseline = true)]
    public bool Listed() => _list.Contains(_listed);

    [Benchmark]
    public bool NotListed() => _list.Contains(_unlisted);

    /// <summary>In the last of the ranges; without ranges not listed.</summary>
    [Benchmark]
    public bool InRange() => _list.Contains(_inRange);

    [Benchmark]
    public bool HashSetOfIPAddress() => _framework.Contains(_address);
}
