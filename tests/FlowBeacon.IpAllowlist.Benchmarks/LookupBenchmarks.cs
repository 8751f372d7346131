using BenchmarkDotNet.Attributes;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// The look-up of a key by its hash, by the number of keys; keys in random order, so that caches help only where all fit into them.
/// </summary>
[MemoryDiagnoser]
public class LookupBenchmarks
{
    private const int Order = 65_536;

    private readonly ApiKeyHash[] _hashes = new ApiKeyHash[Order];
    private InMemoryApiKeyStore _store = null!;
    private Dictionary<ApiKeyHash, ApiKey> _dictionary = null!;
    private int _next;

    /// <summary>How many keys the store holds.</summary>
    [ParamsSource(typeof(Samples), nameof(Samples.Sizes))]
    public int Keys { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        ApiKey[] keys = Samples.Keys(Keys);
        _store = new InMemoryApiKeyStore();
        _store.Apply(keys, []);
        _dictionary = keys.ToDictionary(key => key.Hash);
        for (int index = 0; index < Order; index++)
        {
            _hashes[index] = keys[(uint)index * 15_485_863u % (uint)Keys].Hash;
        }
    }

    [Benchmark(Baseline = true)]
    public ApiKey? Store() => _store.Find(_hashes[_next++ % Order]);

    [Benchmark]
    public ApiKey? DictionaryOfHashes() => _dictionary.GetValueOrDefault(_hashes[_next++ % Order]);
}
