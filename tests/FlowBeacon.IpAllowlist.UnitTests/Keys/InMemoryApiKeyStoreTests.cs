
namespace FlowBeacon.IpAllowlist.UnitTests.Keys;

public sealed class InMemoryApiKeyStoreTests
{
    private readonly InMemoryApiKeyStore _store = new();

    [Fact]
    public void Finds_a_key_that_was_set()
    {
        ApiKey key = Key("raw-a", "a");

        _store.Set(key);

        Find("raw-a").Should().BeSameAs(key);
        Find("raw-b").Should().BeNull();
        _store.Count.Should().Be(1);
    }

    [Fact]
    public async Task Answers_the_middleware_synchronously()
    {
        ApiKey key = Key("raw-a", "a");
        _store.Set(key);

        ValueTask<ApiKey?> known = _store.FindAsync(key.Hash, TestContext.Current.CancellationToken);
        ValueTask<ApiKey?> unknown = _store.FindAsync(ApiKeyHash.Compute("raw-b"), TestContext.Current.CancellationToken);

        known.IsCompletedSuccessfully.Should().BeTrue();
        (await known).Should().BeSameAs(key);
        unknown.IsCompletedSuccessfully.Should().BeTrue();
        (await unknown).Should().BeNull();
    }

    [Fact]
    public void Replaces_the_key_with_the_same_id()
    {
        _store.Set(Key("raw-a", "a", "203.0.113.7"));

        ApiKey replacement = Key("raw-a", "a", "203.0.113.8");
        _store.Set(replacement);

        Find("raw-a").Should().BeSameAs(replacement);
        _store.Count.Should().Be(1);
    }

    [Fact]
    public void A_key_whose_hash_changes_is_no_longer_found_by_its_old_hash()
    {
        _store.Set(Key("raw-old", "a"));

        ApiKey replacement = Key("raw-new", "a");
        _store.Set(replacement);

        Find("raw-old").Should().BeNull();
        Find("raw-new").Should().BeSameAs(replacement);
        _store.Count.Should().Be(1);
    }

    [Fact]
    public void Ids_that_differ_in_case_are_two_keys()
    {
        _store.Set(Key("raw-a", "a"));
        _store.Set(Key("raw-b", "A"));

        _store.Count.Should().Be(2);
    }

    [Fact]
    public void Removes_a_key_once()
    {
        _store.Set(Key("raw-a", "a"));
        _store.Set(Key("raw-b", "b"));

        _store.Remove("a").Should().BeTrue();
        _store.Remove("a").Should().BeFalse();
        _store.Remove("unknown").Should().BeFalse();

        Find("raw-a").Should().BeNull();
        Find("raw-b").Should().NotBeNull();
        _store.Count.Should().Be(1);
    }

    [Fact]
    public void A_removed_keys_hash_and_id_may_be_used_again()
    {
        _store.Set(Key("raw-a", "a"));
        _store.Remove("a");

        _store.Set(Key("raw-a", "b"));
        _store.Set(Key("raw-b", "a"));

        Find("raw-a")!.Id.Should().Be("b");
        Find("raw-b")!.Id.Should().Be("a");
    }

    [Fact]
    public void A_change_adds_replaces_and_removes_and_counts_what_it_removed()
    {
        _store.Apply([Key("raw-a", "a"), Key("raw-b", "b"), Key("raw-c", "c")], []);

        int removed = _store.Apply([Key("raw-b", "b", "203.0.113.7"), Key("raw-d", "d")], ["a", "unknown"]);

        removed.Should().Be(1);
        Find("raw-a").Should().BeNull();
        Find("raw-b")!.AllowedIps.Count.Should().Be(1);
        Find("raw-c")!.Id.Should().Be("c");
        Find("raw-d")!.Id.Should().Be("d");
        _store.Count.Should().Be(3);
    }

    [Fact]
    public void An_empty_change_changes_nothing()
    {
        _store.Set(Key("raw-a", "a"));

        _store.Apply([], []).Should().Be(0);

        Find("raw-a").Should().NotBeNull();
        _store.Count.Should().Be(1);
    }

    [Fact]
    public void Two_keys_may_exchange_their_hashes_in_one_change()
    {
        _store.Apply([Key("raw-1", "a"), Key("raw-2", "b")], []);

        _store.Apply([Key("raw-2", "a"), Key("raw-1", "b")], []);

        Find("raw-1")!.Id.Should().Be("b");
        Find("raw-2")!.Id.Should().Be("a");
        _store.Count.Should().Be(2);
    }

    [Fact]
    public void A_hash_may_move_to_a_new_key_while_its_owner_is_removed()
    {
        _store.Set(Key("raw-1", "a"));

        _store.Apply([Key("raw-1", "b")], ["a"]).Should().Be(1);

        Find("raw-1")!.Id.Should().Be("b");
        _store.Count.Should().Be(1);
    }

    [Fact]
    public void A_hash_may_move_to_another_key_while_its_owner_gets_a_new_one()
    {
        _store.Set(Key("raw-1", "a"));

        _store.Apply([Key("raw-1", "b"), Key("raw-2", "a")], []);

        Find("raw-1")!.Id.Should().Be("b");
        Find("raw-2")!.Id.Should().Be("a");
    }

    [Fact]
    public void Refuses_to_set_a_key_with_another_keys_hash()
    {
        _store.Set(Key("raw-a", "a"));

        ApiKeyConflictException refusal = ShouldRefuse<ApiKeyConflictException>(() => _store.Set(Key("raw-a", "b")));

        refusal.Conflict.Should().Be(ApiKeyConflict.HashTaken);
        refusal.KeyId.Should().Be("b");
        refusal.Message.Should().Contain("'b'").And.NotContain(KeyJson.Hash("raw-a"));
    }

    [Fact]
    public void Refuses_a_change_in_which_two_keys_have_the_same_hash()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ApiKeyConflictException>(() => _store.Apply([Key("raw-x", "x"), Key("raw-y", "y"), Key("raw-x", "z")], ["a"]));
    }

    [Fact]
    public void Refuses_a_key_whose_old_secret_is_its_new_one()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ApiKeyConflictException>(() => _store.Set(Rotated("raw-a", "a", oldRawKey: "raw-a")));
        ShouldRefuse<ApiKeyConflictException>(() => _store.Set(Rotated("raw-x", "x", oldRawKey: "raw-x")));
    }

    [Fact]
    public void Both_secrets_of_a_rotated_key_lead_to_it_and_the_old_one_no_longer_when_it_is_dropped()
    {
        _store.Set(Key("raw-a", "a"));

        _store.Set(Rotated("raw-b", "a", oldRawKey: "raw-a"));
        Find("raw-a").Should().BeSameAs(Find("raw-b")).And.NotBeNull();

        _store.Set(Key("raw-b", "a"));
        Find("raw-a").Should().BeNull();
        Find("raw-b")!.Retiring.Should().BeNull();
    }

    [Fact]
    public void Refuses_a_change_whose_last_key_clashes_with_a_key_that_stays()
    {
        _store.Apply([Key("raw-a", "a"), Key("raw-b", "b")], []);

        ShouldRefuse<ApiKeyConflictException>(() => _store.Apply([Key("raw-x", "x"), Key("raw-b", "y")], ["a"]));
    }

    [Fact]
    public void Refuses_a_change_that_sets_an_id_twice()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ArgumentException>(() => _store.Apply([Key("raw-x", "x"), Key("raw-y", "x")], ["a"]));
    }

    [Fact]
    public void Refuses_a_change_that_removes_an_id_twice()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ArgumentException>(() => _store.Apply([Key("raw-x", "x")], ["a", "a"]));
    }

    [Fact]
    public void Refuses_a_change_that_sets_and_removes_one_id()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ArgumentException>(() => _store.Apply([Key("raw-b", "a")], ["a"]));
    }

    [Fact]
    public void Finds_a_key_by_its_id_and_lists_each_key_once()
    {
        _store.Apply([Key("raw-a", "a"), Rotated("raw-b", "b", oldRawKey: "raw-c")], []);

        _store.FindById("b").Should().BeSameAs(Find("raw-c"));
        _store.FindById("raw-b").Should().BeNull();
        _store.Keys.Select(key => key.Id).Should().BeEquivalentTo("a", "b");
    }

    [Fact]
    public void Replaces_all_keys_by_others()
    {
        _store.Apply([Key("raw-a", "a"), Key("raw-b", "b")], []);

        _store.ReplaceAll([Key("raw-b", "c"), Key("raw-x", "a")]);

        Find("raw-a").Should().BeNull();
        Find("raw-b")!.Id.Should().Be("c");
        Find("raw-x")!.Id.Should().Be("a");
        _store.Count.Should().Be(2);
        ShouldRefuse<ApiKeyConflictException>(() => _store.ReplaceAll([Key("raw-x", "x"), Key("raw-x", "y")]));
        ShouldRefuse<ArgumentException>(() => _store.ReplaceAll([Key("raw-x", "x"), Key("raw-y", "x")]));
        ShouldRefuse<ArgumentNullException>(() => _store.ReplaceAll([null!]));
    }

    [Fact]
    public void Refuses_null_and_null_members()
    {
        _store.Set(Key("raw-a", "a"));

        ShouldRefuse<ArgumentNullException>(() => _store.Set(null!));
        ShouldRefuse<ArgumentNullException>(() => _store.Remove(null!));
        ShouldRefuse<ArgumentNullException>(() => _store.Apply(null!, ["a"]));
        ShouldRefuse<ArgumentNullException>(() => _store.Apply([Key("raw-x", "x")], null!));
        ShouldRefuse<ArgumentNullException>(() => _store.Apply([Key("raw-x", "x"), null!], ["a"]));
        ShouldRefuse<ArgumentNullException>(() => _store.Apply([Key("raw-x", "x")], ["a", null!]));
    }

    private static ApiKey Key(string rawKey, string id, params string[] allowedIps) => TestKeys.Create(rawKey, id, allowedIps);

    private static ApiKey Rotated(string rawKey, string id, string oldRawKey) => Key(rawKey, id) with
    {
        Retiring = new RetiringSecret { Hash = ApiKeyHash.Compute(oldRawKey), Prefix = "", ExpiresAt = DateTimeOffset.MaxValue },
    };

    private ApiKey? Find(string rawKey) => _store.Find(ApiKeyHash.Compute(rawKey));

    private TException ShouldRefuse<TException>(Action change)
        where TException : Exception
    {
        string[] rawKeys = ["raw-a", "raw-b", "raw-x", "raw-y"];
        ApiKey?[] before = [.. rawKeys.Select(Find)];
        int countBefore = _store.Count;

        TException refusal = change.Should().Throw<TException>().Which;

        rawKeys.Select(Find).Should().Equal(before);
        _store.Count.Should().Be(countBefore);
        return refusal;
    }
}
