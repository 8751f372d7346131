using CsCheck;
using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Tests.Keys;

/// <summary>The table finds what was set and not removed, whatever the order, and while it grows.</summary>
public sealed class KeyTableTests
{
    /// <summary>Few hashes, so that places collide, are freed and are taken again; the low bits alone tell some of them apart.</summary>
    private static readonly ulong[] Hashes = [.. Enumerable.Range(0, 41).Select(number => ((ulong)(number % 3) << 62) | ((ulong)number * 0x0400_0000))];

    private static readonly Gen<ulong> Hash = Gen.Int[0, Hashes.Length - 1].Select(index => Hashes[index]);

    [Fact]
    public void An_empty_table_finds_nothing() => Find(new KeyTable(), 7).Should().BeNull();

    [Fact]
    public void Agrees_with_a_dictionary_after_any_sequence_of_changes()
    {
        Gen.Select(Hash, Gen.Bool).Array[0, 300].Sample(
            changes =>
            {
                var table = new KeyTable();
                var expected = new Dictionary<ulong, Box>();
                foreach ((ulong key, bool isSet) in changes)
                {
                    if (isSet)
                    {
                        table.Set(key, new Match(key), expected[key] = new Box(key));
                    }
                    else
                    {
                        Remove(table, key, new Match(key));
                        expected.Remove(key);
                    }
                }

                return Holds(table, expected);
            },
            iter: 2_000);
    }

    [Fact]
    public void A_change_of_many_entries_is_seen_when_it_is_published_and_never_before()
    {
        Gen.Select(Hash, Gen.Bool).Array[0, 60].Array[1, 6].Sample(
            changes =>
            {
                var table = new KeyTable();
                var expected = new Dictionary<ulong, Box>();
                foreach ((ulong Key, bool IsSet)[] steps in changes)
                {
                    var before = new Dictionary<ulong, Box>(expected);
                    KeyTableChange change = table.BeginChange();
                    foreach ((ulong key, bool isSet) in steps)
                    {
                        Box? last = expected.GetValueOrDefault(key);
                        object? was;
                        if (isSet)
                        {
                            was = change.Set(key, new Match(key), expected[key] = new Box(key));
                        }
                        else
                        {
                            was = change.Remove(key, new Match(key));
                            expected.Remove(key);
                        }

                        if (!ReferenceEquals(was, last))
                        {
                            return false;
                        }
                    }

                    bool isUnseen = Holds(table, before);
                    change.Publish();
                    if (!isUnseen || !Holds(table, expected))
                    {
                        return false;
                    }
                }

                // One more that is begun and dropped.
                table.BeginChange().Set(7, new Match(7), new Box(7));
                return Holds(table, expected) && Find(table, 7) is null;
            },
            iter: 2_000);
    }

    [Fact]
    public void Tells_objects_with_the_same_hash_apart()
    {
        var table = new KeyTable();
        Box[] boxes = [.. Enumerable.Range(0, 100).Select(number => new Box((ulong)number))];

        foreach (Box box in boxes)
        {
            table.Set(0x1234_5678_9ABC_DEF0, new Match(box.Number), box);
        }

        boxes.Should().OnlyContain(box => ReferenceEquals(table.Find(0x1234_5678_9ABC_DEF0, new Match(box.Number)), box));
        table.Find(0x1234_5678_9ABC_DEF0, new Match(100)).Should().BeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(uint.MaxValue)]
    [InlineData(ulong.MaxValue)]
    public void Hashes_that_look_like_its_own_marks_are_ordinary(ulong hash)
    {
        var table = new KeyTable();
        table.Set(hash, new Match(hash), new Box(hash));
        Find(table, hash).Should().NotBeNull();

        Remove(table, hash, new Match(hash));

        Find(table, hash).Should().BeNull();
    }

    [Fact]
    public void Holds_a_hundred_thousand_and_forgets_the_half_that_is_removed()
    {
        var table = new KeyTable();
        ulong[] hashes = [.. Enumerable.Range(0, 100_000).Select(number => (ulong)number * 0x9E37_79B9_7F4A_7C15)];
        foreach (ulong hash in hashes)
        {
            table.Set(hash, new Match(hash), new Box(hash));
        }

        foreach (ulong hash in hashes.Where((_, index) => index % 2 == 0))
        {
            Remove(table, hash, new Match(hash));
        }

        hashes.Where((hash, index) => Find(table, hash) is null != (index % 2 == 0)).Should().BeEmpty();
    }

    [Fact]
    public async Task Readers_always_find_what_stays_while_a_writer_adds_and_removes_around_it()
    {
        var table = new KeyTable();
        ulong[] staying = [.. Enumerable.Range(0, 1_000).Select(number => (ulong)number * 0x9E37_79B9_7F4A_7C15)];
        foreach (ulong hash in staying)
        {
            table.Set(hash, new Match(hash), new Box(hash));
        }

        using var writing = new CancellationTokenSource();
        Task<int>[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            int missed = 0;
            do
            {
                missed += staying.Count(hash => Find(table, hash) is not Box box || box.Number != hash);
            }
            while (!writing.IsCancellationRequested);

            return missed;
        }))];
        for (int round = 0; round < 20; round++)
        {
            ulong[] passing = [.. Enumerable.Range(1_000, 20_000).Select(number => (ulong)number * 0x9E37_79B9_7F4A_7C15)];
            Array.ForEach(passing, hash => table.Set(hash, new Match(hash), new Box(hash)));
            Array.ForEach(staying, hash => table.Set(hash, new Match(hash), new Box(hash)));
            Array.ForEach(passing, hash => Remove(table, hash, new Match(hash)));
        }

        await writing.CancelAsync();
        (await Task.WhenAll(readers)).Should().OnlyContain(missed => missed == 0);
    }

    private static void Remove(KeyTable table, ulong hash, Match match)
    {
        KeyTableChange change = table.BeginChange();
        change.Remove(hash, match);
        change.Publish();
    }

    /// <summary>Whether the table leads to the very objects that are expected.</summary>
    private static bool Holds(KeyTable table, Dictionary<ulong, Box> expected) =>
        Hashes.All(hash => ReferenceEquals(Find(table, hash), expected.GetValueOrDefault(hash)));

    private static object? Find(KeyTable table, ulong hash) => table.Find(hash, new Match(hash));

    private sealed record Box(ulong Number);

    private readonly struct Match(ulong number) : IKeyTableMatch
    {
        public bool Matches(object candidate) => ((Box)candidate).Number == number;
    }
}
