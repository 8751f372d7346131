using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// The whole middleware on keys that were not seen lately, so that their header must be hashed: 65,536 different header texts in turn, far
/// more than are remembered. The header is set for each request, which <see cref="SetHeaderOnly"/> shows apart.
/// </summary>
[MemoryDiagnoser]
public class ColdBenchmarks
{
    private const int Texts = 65_536;

    private readonly DefaultHttpContext _context = Samples.Request(null, "");
    private readonly string[] _known = new string[Texts];
    private readonly string[] _forwardedFor = new string[Texts];
    private readonly string[] _unknown = new string[Texts];
    private RequestDelegate _pipeline = null!;
    private int _request;

    /// <summary>How many keys the store holds.</summary>
    [ParamsSource(typeof(Samples), nameof(Samples.Sizes))]
    public int Keys { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        var store = new InMemoryApiKeyStore();
        store.Apply(Samples.Keys(Keys), []);
        _pipeline = Samples.CheckedPipeline(store);
        for (int text = 0; text < Texts; text++)
        {
            // With few keys, the same key comes with different blanks behind the scheme: other texts, to be hashed as well.
            int number = (int)((uint)text * 15_485_863u % (uint)Keys);
            _known[text] = $"Bearer{new string(' ', 1 + (text / Keys))}{Samples.RawKey(number)}";
            _forwardedFor[text] = Samples.AddressesOf(number)[0];
            _unknown[text] = $"Bearer {Samples.RawKey(-1 - text)}";
        }
    }

    [Benchmark(Baseline = true)]
    public Task Known()
    {
        int request = _request++ % Texts;
        return Send(_known[request], _forwardedFor[request]);
    }

    [Benchmark]
    public Task Unknown()
    {
        int request = _request++ % Texts;
        return Send(_unknown[request], _forwardedFor[request]);
    }

    [Benchmark]
    public void SetHeaderOnly()
    {
        int request = _request++ % Texts;
        Set(_known[request], _forwardedFor[request]);
    }

    private Task Send(string authorization, string forwardedFor)
    {
        Set(authorization, forwardedFor);
        return Samples.Send(_pipeline, _context);
    }

    private void Set(string authorization, string forwardedFor)
    {
        _context.Request.Headers.Authorization = authorization;
        _context.Request.Headers["X-Forwarded-For"] = forwardedFor;
    }
}
