using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>A store of a stranger keeps the contract of repositories, as a host uses it: through its node.</summary>
public sealed class ToyStoreContractTests : ApiKeyRepositoryContract
{
    private readonly ToyStore _store = new();
    private readonly ToyNode _node;

    public ToyStoreContractTests() => _node = new ToyNode(_store, new FakeTimeProvider(), "a");

    protected override IApiKeyRepository Repository => _node;

    protected override IAuditLog Audit => _store;

    protected override Task SpoilListAsync(string id)
    {
        _store.WriteList(id, """[{"Text":"203.0.113.7"},{"Text":"10.0.0.1/8"}]""");
        return Task.CompletedTask;
    }
}
