using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The contract, and what is the in-memory repository's own: it commits to the store that requests are looked up in.</summary>
public sealed class InMemoryApiKeyRepositoryTests : ApiKeyRepositoryOverLogContract
{
    private readonly InMemoryApiKeyStore _store = new();
    private readonly InMemoryAuditLog _audit = new();
    private readonly InMemoryApiKeyRepository _repository;

    public InMemoryApiKeyRepositoryTests() => _repository = new InMemoryApiKeyRepository(_store, _audit);

    protected override IApiKeyRepository Repository => _repository;

    protected override IAuditLog Audit => _audit;

    protected override IApiKeyRepository CreateOver(IAuditLog audit, TimeProvider time) =>
        new InMemoryApiKeyRepository(new InMemoryApiKeyStore(), audit, time);

    /// <summary>In memory no stored text is parsed, so a list is unreadable only if it was written as such.</summary>
    protected override async Task SpoilListAsync(string id)
    {
        ApiKeyDetails key = (await _repository.GetAsync(id, TestContext.Current.CancellationToken))!;
        await CommitAsync(Changed(key with { Version = key.Version + 1, Key = key.Key with { AllowedIps = IpAddressSet.Unreadable } }));
    }

    [Fact]
    public async Task Requests_find_what_was_committed()
    {
        ApiKeyDetails first = Key("key_1", "one");
        await CommitAsync(New(first));
        _store.Find(first.Key.Hash).Should().BeSameAs(first.Key);

        ApiKeyDetails second = first with { Version = 2, Key = first.Key with { Hash = ApiKeyHash.Compute("next") } };
        await CommitAsync(Changed(second));

        _store.Find(first.Key.Hash).Should().BeNull();
        _store.Find(second.Key.Hash).Should().BeSameAs(second.Key);
        _store.Count.Should().Be(1);
    }

    [Fact]
    public async Task Requests_find_nothing_of_a_refused_change()
    {
        await CommitAsync(New(Key("key_1", "one")));

        Func<Task> commit = () => CommitAsync(New(Key("key_2", "two")), New(Key("key_3", "ONE")));

        await commit.Should().ThrowAsync<ApiKeyConflictException>();
        _store.Find(Key("key_2", "two").Key.Hash).Should().BeNull();
        _store.Count.Should().Be(1);
    }

    [Fact]
    public async Task Refuses_the_secret_of_a_key_that_something_else_put_into_the_store()
    {
        ApiKeyDetails key = Key("key_1", "one");
        _store.Set(key.Key with { Id = "from-configuration" });

        Func<Task> commit = () => CommitAsync(New(key));

        (await commit.Should().ThrowAsync<ApiKeyConflictException>()).Which.Conflict.Should().Be(ApiKeyConflict.HashTaken);
        _store.Find(key.Key.Hash)!.Id.Should().Be("from-configuration");
    }

    private async Task CommitAsync(params ApiKeyWrite[] keys) =>
        await _repository.CommitAsync(Change(keys, []), TestContext.Current.CancellationToken);
}
