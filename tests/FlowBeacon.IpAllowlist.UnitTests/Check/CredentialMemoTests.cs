using System.Runtime.CompilerServices;
using FlowBeacon.IpAllowlist.Check;

namespace FlowBeacon.IpAllowlist.UnitTests.Check;

/// <summary>What a header text reads as is remembered while the text lives, and never for another text.</summary>
public sealed class CredentialMemoTests
{
    private const string End = "ffffffff";

    private static readonly ApiKeyHash Hash = ApiKeyHash.Compute(TestKeys.Restricted);

    private readonly CredentialMemo _memo = new();
    private string[] _alive = [];

    [Theory]
    [InlineData(ApiKeyReading.Prefixed)]
    [InlineData(ApiKeyReading.Unprefixed)]
    internal void Remembers_what_a_text_reads_as(ApiKeyReading reading)
    {
        string text = $"Bearer {TestKeys.Restricted}";
        _memo.Remember(text, reading, Hash);

        _memo.TryGet(text, out ApiKeyCredential found).Should().BeTrue();

        (found.Reading, found.Hash, found.HeaderText).Should().Be((reading, Hash, null));
    }

    [Fact]
    public void Remembers_equal_texts_in_different_string_instances()
    {
        string text = $"Bearer {TestKeys.Restricted}";
        _memo.Remember(text, ApiKeyReading.Prefixed, Hash);

        _memo.TryGet(new string(text.AsSpan()), out ApiKeyCredential found).Should().BeTrue();

        found.Hash.Should().Be(Hash);
        GC.KeepAlive(text);
    }

    [Fact]
    public void Does_not_accept_a_text_that_differs_in_one_character_or_in_length()
    {
        string text = $"Bearer {TestKeys.Restricted}";
        _memo.Remember(text, ApiKeyReading.Prefixed, Hash);

        for (int position = 0; position < text.Length; position++)
        {
            char[] other = text.ToCharArray();
            other[position] ^= (char)1;
            Knows(new string(other)).Should().BeFalse($"character {position} differs");
        }

        Knows(text[1..]).Should().BeFalse();
        Knows(" " + text).Should().BeFalse();
        Knows(text).Should().BeTrue();
    }

    [Theory]
    [InlineData("12345678")]
    [InlineData("1234567890123456")]
    [InlineData("12345678901234567")]
    public void Compares_texts_of_every_length_to_their_ends(string text)
    {
        _memo.Remember(text, ApiKeyReading.Unprefixed, Hash);

        Knows(new string(text.AsSpan())).Should().BeTrue();
        Knows("x" + text[1..]).Should().BeFalse();
        GC.KeepAlive(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1234567")]
    public void A_text_too_short_for_a_place_is_not_remembered(string text)
    {
        _memo.Remember(text, ApiKeyReading.Unprefixed, Hash);

        Knows(text).Should().BeFalse();
    }

    [Fact]
    public void Holds_texts_of_many_keys_at_once()
    {
        string[] texts = [.. Enumerable.Range(0, 500).Select(TextOf)];
        foreach (string text in texts)
        {
            _memo.Remember(text, ApiKeyReading.Prefixed, ApiKeyHash.Compute(text));
        }

        // Two places in each of 2,048 sets: of 500 random texts about five find none.
        texts.Count(text => _memo.TryGet(text, out ApiKeyCredential found) && found.Hash == ApiKeyHash.Compute(text))
            .Should().BeGreaterThan(480);
    }

    [Fact]
    public void Never_returns_the_hash_of_another_text_however_many_there_are()
    {
        string[] texts = [.. Enumerable.Range(0, 20_000).Select(TextOf)];
        foreach (string text in texts)
        {
            _memo.Remember(text, ApiKeyReading.Prefixed, ApiKeyHash.Compute(text));
        }

        string[] known = [.. texts.Where(Knows)];
        known.Should().OnlyContain(text => HashOf(text) == ApiKeyHash.Compute(text));
        known.Length.Should().BeInRange(3_500, 4_096, "it is full, and holds no more than it has places for");
    }

    [Fact]
    public void Keeps_no_text_alive()
    {
        WeakReference text = RememberAndForget();

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        text.IsAlive.Should().BeFalse("a raw key must not outlive its request or connection because of us");
    }

    [Fact]
    public void The_place_of_a_text_that_is_gone_is_taken_by_the_next()
    {
        string third = $"3{End}";
        RememberTwo();
        _memo.Remember(third, ApiKeyReading.Prefixed, Hash);
        Knows(third).Should().BeFalse("two texts that end alike are alive and have both places");

        _alive = [];
        GC.Collect();
        _memo.Remember(third, ApiKeyReading.Prefixed, Hash);

        Knows(third).Should().BeTrue();
    }

    [Fact]
    public void A_thread_may_miss_more_often_than_an_int_counts()
    {
        MissesOf(null) = int.MaxValue - 10u;
        string[] alive = [.. Enumerable.Range(0, 500).Select(number => $"{number}{FirstSetsEnd()}")];

        foreach (string text in alive)
        {
            _memo.Remember(text, ApiKeyReading.Prefixed, Hash);
        }

        alive.Count(Knows).Should().Be(2, "there are two places for texts that end alike");
        MissesOf(null).Should().BeGreaterThan(int.MaxValue);
    }

    // The first set is the one whose places a negative index would miss.
    private static string FirstSetsEnd() =>
        Enumerable.Range(0, 100_000).Select(number => number.ToString("x8")).First(end => SetOf(null, end) == 0);

    [UnsafeAccessor(UnsafeAccessorKind.StaticField, Name = "_misses")]
    private static extern ref uint MissesOf(CredentialMemo? memo);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "SetOf")]
    private static extern int SetOf(CredentialMemo? memo, string text);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RememberTwo()
    {
        _alive = [.. Enumerable.Range(1, 2).Select(number => $"{number}{End}")];
        foreach (string text in _alive)
        {
            _memo.Remember(text, ApiKeyReading.Prefixed, Hash);
        }
    }

    // In a method of its own, so that no local of the test holds the string.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference RememberAndForget()
    {
        string text = TextOf(1);
        _memo.Remember(text, ApiKeyReading.Prefixed, Hash);
        return new WeakReference(text);
    }

    private bool Knows(string text) => _memo.TryGet(text, out _);

    private ApiKeyHash HashOf(string text)
    {
        _memo.TryGet(text, out ApiKeyCredential found).Should().BeTrue();
        return found.Hash;
    }

    private static string TextOf(int number) => $"Bearer fb_live_{ApiKeyHash.Compute($"key {number}").ToString()[..48]}";
}
