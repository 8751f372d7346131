using System.Collections.Concurrent;
using CsCheck;

namespace FlowBeacon.IpAllowlist.Tests.Keys;

public sealed class InMemoryApiKeyStoreConcurrencyTests
{
    private static readonly string[] Ids = ["a", "b", "c"];
    private static readonly ApiKeyHash[] Hashes = [.. Enumerable.Range(0, 4).Select(index => ApiKeyHash.Compute($"raw-{index}"))];

    [Fact]
    public void Every_concurrent_history_of_changes_and_lookups_has_a_sequential_explanation()
    {
        Gen<int> slot = Gen.Int[0, int.MaxValue - 1];
        Gen<int> hash = Gen.Int[0, Hashes.Length - 1];
        Gen<int> id = Gen.Int[0, Ids.Length - 1];
        Gen<ApiKey> key = Gen.Select(id, hash, Gen.Int[0, 1000], (id, hash, mark) => Key(Ids[id], Hashes[hash], mark));

        GenOperation<Trial> find = Gen.Select(slot, hash).Operation<Trial>(
            with => $"find #{with.Item2}", (trial, with) => trial.Found(with.Item1, trial.Store.Find(Hashes[with.Item2])));
        GenOperation<Trial> set = key.Operation<Trial>(
            key => $"set {Describe(key)}", (trial, key) => Trial.Try(() => trial.Store.Set(key)));
        GenOperation<Trial> remove = Gen.Select(slot, id).Operation<Trial>(
            with => $"remove {Ids[with.Item2]}", (trial, with) => trial.Removed(with.Item1, trial.Store.Remove(Ids[with.Item2])));
        GenOperation<Trial> apply = Gen.Select(key.Array[0, 3], id).Operation<Trial>(
            with => $"apply {string.Join(", ", with.Item1.Select(Describe))}, remove {Ids[with.Item2]}",
            (trial, with) => Trial.Try(() => trial.Store.Apply(with.Item1, [Ids[with.Item2]])));

        Gen.Const(0).Select(_ => new Trial()).SampleParallel(
            find, find, set, remove, apply, equal: (one, other) => one.Saw().SetEquals(other.Saw()),
            iter: 400, threads: 4, print: trial => string.Join("; ", trial.Saw()));
    }

    /// <summary>
    /// A writer moves all keys from generation to generation, and each key to a new hash every time. Whoever has seen generation g for
    /// one key sees no older one for any key afterwards.
    /// </summary>
    [Fact]
    public void A_change_of_many_keys_becomes_visible_at_one_instant()
    {
        const int Keys = 40;
        const int Generations = 3000;
        ApiKeyHash[,] hashes = new ApiKeyHash[Keys, 2];
        for (int key = 0; key < Keys; key++)
        {
            hashes[key, 0] = ApiKeyHash.Compute($"raw-{key}-even");
            hashes[key, 1] = ApiKeyHash.Compute($"raw-{key}-odd");
        }

        ApiKey[] GenerationOf(int generation) =>
            [.. Enumerable.Range(0, Keys).Select(key => Key($"key-{key}", hashes[key, generation % 2], generation))];

        var store = new InMemoryApiKeyStore();
        store.Apply(GenerationOf(0), []);
        int generationsSeen = 0;
        string? violation = null;
        bool finished = false;

        void Read(int seed)
        {
            var random = new Random(seed);
            int newest = 0;
            int changes = 0;
            while (!Volatile.Read(ref finished) && Volatile.Read(ref violation) is null)
            {
                int key = random.Next(Keys);
                int parity = random.Next(2);
                int seen;
                if (store.Find(hashes[key, parity]) is { } found)
                {
                    seen = Mark(found);
                }
                else
                {
                    // The generation in force has the other parity.
                    seen = newest % 2 == parity ? newest + 1 : newest;
                }

                if (seen < newest)
                {
                    Volatile.Write(ref violation, $"after generation {newest}, key {key} was still of generation {seen}");
                }

                changes += seen > newest ? 1 : 0;
                newest = Math.Max(newest, seen);
            }

            Interlocked.Add(ref generationsSeen, changes);
        }

        Thread[] readers = [.. Enumerable.Range(1, 3).Select(seed => new Thread(() => Read(seed)))];
        Array.ForEach(readers, reader => reader.Start());
        for (int generation = 1; generation <= Generations && Volatile.Read(ref violation) is null; generation++)
        {
            store.Apply(GenerationOf(generation), []);
        }

        Volatile.Write(ref finished, true);
        Array.ForEach(readers, reader => reader.Join());

        violation.Should().BeNull();
        generationsSeen.Should().BeGreaterThan(0, "readers that saw no change would prove nothing");
        Enumerable.Range(0, Keys).Should().AllSatisfy(key =>
        {
            Mark(store.Find(hashes[key, Generations % 2])!).Should().Be(Generations);
            store.Find(hashes[key, 1 - (Generations % 2)]).Should().BeNull();
        });
        store.Count.Should().Be(Keys);
    }

    /// <summary>The same for keys that stay under their hashes while others come and go in the same change.</summary>
    [Fact]
    public void Keys_that_are_added_and_removed_together_are_there_together()
    {
        const int Keys = 20;
        const int Rounds = 3000;
        ApiKey[] all = [.. Enumerable.Range(0, Keys).Select(key => Key($"key-{key}", ApiKeyHash.Compute($"raw-{key}"), 0))];
        string[] ids = [.. all.Select(key => key.Id)];
        ApiKey sentinel = Key("sentinel", ApiKeyHash.Compute("sentinel"), 0);

        var store = new InMemoryApiKeyStore();
        store.Set(sentinel);
        bool finished = false;
        int torn = 0;
        int complete = 0;

        // Rounds only ever grow, so a lookup between two sightings of one round must agree with both of them.
        void Read(int seed)
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref finished))
            {
                int before = Mark(store.Find(sentinel.Hash)!);
                bool isThere = store.Find(all[random.Next(Keys)].Hash) is not null;
                if (Mark(store.Find(sentinel.Hash)!) == before)
                {
                    Interlocked.Increment(ref complete);
                    if (isThere != (before % 2 == 1))
                    {
                        Interlocked.Increment(ref torn);
                    }
                }
            }
        }

        Thread[] readers = [.. Enumerable.Range(1, 3).Select(seed => new Thread(() => Read(seed)))];
        Array.ForEach(readers, reader => reader.Start());
        for (int round = 1; round <= Rounds; round++)
        {
            ApiKey mark = Key(sentinel.Id, sentinel.Hash, round);
            if (round % 2 == 1)
            {
                store.Apply([.. all, mark], []);
            }
            else
            {
                store.Apply([mark], ids);
            }
        }

        Volatile.Write(ref finished, true);
        Array.ForEach(readers, reader => reader.Join());

        torn.Should().Be(0);
        complete.Should().BeGreaterThan(0, "readers that never met a round at rest would prove nothing");
    }

    private static ApiKey Key(string id, ApiKeyHash hash, int mark) =>
        new() { Id = id, Hash = hash, AllowedIps = IpAddressSet.Empty, ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(mark) };

    private static int Mark(ApiKey key) => (int)key.ExpiresAt!.Value.ToUnixTimeSeconds();

    private static string Describe(ApiKey? key) => key is null ? "nothing" : $"{key.Id}#{Array.IndexOf(Hashes, key.Hash)}:{Mark(key)}";

    /// <summary>A store, and what each operation learnt from it: both together must be explained.</summary>
    private sealed class Trial
    {
        private readonly ConcurrentDictionary<int, string> _answers = new();

        public InMemoryApiKeyStore Store { get; } = new();

        public static void Try(Action change)
        {
            try
            {
                change();
            }
            catch (ArgumentException)
            {
                // A clash, which leaves the store as it was.
            }
        }

        public void Found(int slot, ApiKey? key) => _answers[slot] = Describe(key);

        public void Removed(int slot, bool removed) => _answers[slot] = removed.ToString();

        public HashSet<string> Saw() =>
            [.. _answers.Select(answer => $"{answer.Key}={answer.Value}"), .. Hashes.Select(hash => Describe(Store.Find(hash))), $"{Store.Count} keys"];
    }
}
