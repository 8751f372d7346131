using System.Collections.Concurrent;
using CsCheck;

namespace FlowBeacon.IpAllowlist.Tests.Keys;

public sealed class InMemoryApiKeyStoreConcurrencyTests
{
    private const int Rounds = 3_000;

    private static readonly string[] Ids = ["a", "b", "c"];
    private static readonly ApiKeyHash[] Hashes = [.. Ids.Select(id => ApiKeyHash.Compute($"raw-{id}"))];

    [Fact]
    public void Every_concurrent_history_of_single_changes_and_lookups_has_a_sequential_explanation()
    {
        Gen<int> slot = Gen.Int[0, int.MaxValue - 1];
        Gen<int> place = Gen.Int[0, Ids.Length - 1];
        Gen<ApiKey> key = Gen.Select(place, Gen.Int[0, 1000], (place, mark) => Key(Ids[place], Hashes[place], mark));

        GenOperation<Trial> find = Gen.Select(slot, place).Operation<Trial>(
            with => $"find #{with.Item2}", (trial, with) => trial.Found(with.Item1, trial.Store.Find(Hashes[with.Item2])));
        GenOperation<Trial> set = key.Operation<Trial>(key => $"set {Describe(key)}", (trial, key) => trial.Store.Set(key));
        GenOperation<Trial> remove = Gen.Select(slot, place).Operation<Trial>(
            with => $"remove {Ids[with.Item2]}", (trial, with) => trial.Removed(with.Item1, trial.Store.Remove(Ids[with.Item2])));

        Gen.Const(0).Select(_ => new Trial()).SampleParallel(
            find, find, set, remove, equal: (one, other) => one.Saw().SetEquals(other.Saw()),
            iter: 400, threads: 4, print: trial => string.Join("; ", trial.Saw()));
    }

    /// <summary>What a writer changes from generation to generation, as the keys of a generation.</summary>
    public static TheoryData<string> Changes =>
        ["keys that stay under their hashes", "keys that move to new hashes", "rotations", "all keys replaced"];

    /// <summary>
    /// The writer publishes which generation is in force when its call has returned. No lookup that begins after that sees an older one.
    /// </summary>
    [Theory]
    [MemberData(nameof(Changes))]
    public void No_lookup_that_begins_after_a_change_has_returned_sees_the_old_state(string change)
    {
        const int Keys = 20;
        ApiKeyHash HashOf(int key, int generation) => ApiKeyHash.Compute(
            change == Changes.First().Data ? $"raw-{key}" : $"raw-{key}-{generation % 4}");
        ApiKey[] Generation(int number) => [.. Enumerable.Range(0, Keys).Select(key => Key($"key-{key}", HashOf(key, number), number) with
        {
            Retiring = change == "rotations" && number > 0
                ? new RetiringSecret { Hash = HashOf(key, number - 1), Prefix = "", ExpiresAt = DateTimeOffset.MaxValue }
                : null,
        })];

        var store = new InMemoryApiKeyStore();
        store.Apply(Generation(0), []);
        int inForce = 0;
        int lookups = 0;
        string? violation = null;
        bool isFinished = false;

        void Read(int seed)
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref isFinished) && Volatile.Read(ref violation) is null)
            {
                int key = random.Next(Keys);
                int expected = Volatile.Read(ref inForce);
                ApiKey? found = store.Find(HashOf(key, expected));

                // Missing is right only where a later change has taken the hash away meanwhile.
                if (found is null ? Volatile.Read(ref inForce) == expected && !IsUnderWay(expected) : Mark(found) < expected)
                {
                    Volatile.Write(ref violation, $"after generation {expected}, key {key} was {Describe(found)}");
                }

                Interlocked.Increment(ref lookups);
            }
        }

        int underWay = 0;
        bool IsUnderWay(int generation) => Volatile.Read(ref underWay) > generation;

        Thread[] readers = [.. Enumerable.Range(1, 3).Select(seed => new Thread(() => Read(seed)))];
        Array.ForEach(readers, reader => reader.Start());
        for (int generation = 1; generation <= Rounds && Volatile.Read(ref violation) is null; generation++)
        {
            Volatile.Write(ref underWay, generation);
            if (change == "all keys replaced")
            {
                store.ReplaceAll(Generation(generation));
            }
            else
            {
                store.Apply(Generation(generation), []);
            }

            Volatile.Write(ref inForce, generation);
        }

        Volatile.Write(ref isFinished, true);
        Array.ForEach(readers, reader => reader.Join());

        violation.Should().BeNull();
        lookups.Should().BePositive("readers that looked nothing up would prove nothing");
        store.Keys.Should().HaveCount(Keys).And.OnlyContain(key => Mark(key) == Rounds);
    }

    [Fact]
    public void No_lookup_that_begins_after_a_revocation_has_returned_finds_a_key_that_works()
    {
        ApiKey[] keys =
        [
            .. Enumerable.Range(0, Rounds).Select(number => Key($"key-{number}", ApiKeyHash.Compute($"raw-{number}"), number)),
        ];
        var store = new InMemoryApiKeyStore();
        store.ReplaceAll(keys);
        int revoked = -1;
        int alive = 0;
        bool isFinished = false;

        void Read(int seed)
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref isFinished))
            {
                int last = Volatile.Read(ref revoked);
                if (last >= 0 && store.Find(keys[random.Next(last + 1)].Hash) is { IsRevoked: false })
                {
                    Interlocked.Increment(ref alive);
                }
            }
        }

        Thread[] readers = [.. Enumerable.Range(1, 3).Select(seed => new Thread(() => Read(seed)))];
        Array.ForEach(readers, reader => reader.Start());
        for (int number = 0; number < Rounds; number++)
        {
            // In turn: marked as revoked, or taken away.
            if (number % 2 == 0)
            {
                store.Set(keys[number] with { IsRevoked = true });
            }
            else
            {
                store.Remove(keys[number].Id);
            }

            Volatile.Write(ref revoked, number);
        }

        Volatile.Write(ref isFinished, true);
        Array.ForEach(readers, reader => reader.Join());

        alive.Should().Be(0);
    }

    /// <summary>
    /// A change fails at each of its steps in turn: whatever was done by then, what it revokes or removes is not admitted beside what it
    /// adds, and every key can still be removed.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failure_between_any_two_steps_admits_nothing_that_was_taken_away_by_the_change_or_is_taken_away_later(bool removesLater)
    {
        ApiKey kept = Key("kept", ApiKeyHash.Compute("kept"), 0);
        ApiKey removed = Key("removed", ApiKeyHash.Compute("removed"), 0);
        ApiKey moved = Key("moved", ApiKeyHash.Compute("moved"), 0);
        ApiKey givesHash = Key("gives", ApiKeyHash.Compute("given"), 0);
        ApiKey takesHash = Key("takes", ApiKeyHash.Compute("taken"), 0);
        ApiKey added = Key("added", ApiKeyHash.Compute("added"), 1);
        ApiKey movedTo = Key("moved", ApiKeyHash.Compute("moved-to"), 1);
        ApiKey gave = Key("gives", ApiKeyHash.Compute("other"), 1);
        ApiKey took = Key("takes", ApiKeyHash.Compute("given"), 1);
        ApiKey[] before = [kept, removed, moved, givesHash, takesHash];
        ApiKey[] change = [kept with { IsRevoked = true }, movedTo, added, gave, took];
        int failures = 0;

        for (int step = 1; ; step++)
        {
            var failure = new Failure();
            var store = new InMemoryApiKeyStore(new FailingHashes(failure), new FailingIds(failure));
            store.Apply(before, []);
            failure.After(step);
            try
            {
                store.Apply(change, ["removed"]);
                store.Count.Should().Be(5);
                break;
            }
            catch (InvalidOperationException)
            {
                failures++;
            }

            bool isAnythingAdded = store.Find(added.Hash) is not null || store.Find(movedTo.Hash) is not null;
            bool isAnythingLeft = store.Find(kept.Hash) is { IsRevoked: false } || store.Find(removed.Hash) is not null
                || store.Find(moved.Hash) is not null;
            (isAnythingAdded && isAnythingLeft).Should().BeFalse($"step {step}");

            if (removesLater)
            {
                string[] ids = [.. before.Concat(change).Select(key => key.Id).Distinct()];
                Array.ForEach(ids, id => store.Remove(id));

                before.Concat(change).Where(key => store.Find(key.Hash) is not null)
                    .Should().BeEmpty($"all were removed after step {step}");
                continue;
            }

            // The change can be made again, and is whole then.
            store.Apply(change, ["removed"]);
            store.Find(kept.Hash)!.IsRevoked.Should().BeTrue();
            store.Find(removed.Hash).Should().BeNull();
            store.Find(moved.Hash).Should().BeNull();
            change[1..].Should().OnlyContain(key => store.Find(key.Hash) == key && store.FindById(key.Id) == key);
            store.Find(takesHash.Hash).Should().BeNull();
        }

        failures.Should().BeGreaterThan(15, "the change has more steps than that");
    }

    private static ApiKey Key(string id, ApiKeyHash hash, int mark) =>
        new() { Id = id, Hash = hash, AllowedIps = IpAddressSet.Empty, ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(mark) };

    private static int Mark(ApiKey key) => (int)key.ExpiresAt!.Value.ToUnixTimeSeconds();

    private static string Describe(ApiKey? key) => key is null ? "nothing" : $"{key.Id}:{Mark(key)}";

    /// <summary>Throws once, at one of the comparisons: every step of a change makes one.</summary>
    private sealed class Failure
    {
        private int _left = int.MaxValue;

        public void After(int steps) => _left = steps;

        public void Step()
        {
            if (--_left == 0)
            {
                throw new InvalidOperationException("Out of memory, say.");
            }
        }
    }

    private sealed class FailingHashes(Failure failure) : IEqualityComparer<ApiKeyHash>
    {
        public bool Equals(ApiKeyHash one, ApiKeyHash other) => one == other;

        public int GetHashCode(ApiKeyHash hash)
        {
            failure.Step();
            return hash.GetHashCode();
        }
    }

    private sealed class FailingIds(Failure failure) : IEqualityComparer<string>
    {
        public bool Equals(string? one, string? other) => one == other;

        public int GetHashCode(string id)
        {
            failure.Step();
            return string.GetHashCode(id, StringComparison.Ordinal);
        }
    }

    /// <summary>A store, and what each operation learnt from it: both together must be explained.</summary>
    private sealed class Trial
    {
        private readonly ConcurrentDictionary<int, string> _answers = new();

        public InMemoryApiKeyStore Store { get; } = new();

        public void Found(int slot, ApiKey? key) => _answers[slot] = Describe(key);

        public void Removed(int slot, bool removed) => _answers[slot] = removed.ToString();

        public HashSet<string> Saw() =>
            [
                .. _answers.Select(answer => $"{answer.Key}={answer.Value}"), .. Hashes.Select(hash => Describe(Store.Find(hash))),
                $"{Store.Count} keys",
            ];
    }
}
