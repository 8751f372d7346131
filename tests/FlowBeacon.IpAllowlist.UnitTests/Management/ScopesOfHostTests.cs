using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Keys have the scopes of the host, and no others.</summary>
public sealed class ScopesOfHostTests
{
    [Fact]
    public async Task A_key_has_scopes_of_the_host_in_their_order_each_once()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { Scopes = ["reports:read", "reports:write"] });

        IssuedApiKey issued = await keys.CreateAsync(New("reports:write", "reports:read", "reports:write"));
        ApiKeyDetails updated = await keys.UpdateAsync(issued.Details.Key.Id, new ApiKeyUpdate { Scopes = ["reports:write"] });

        issued.Details.Key.Scopes.Should().Equal("reports:read", "reports:write");
        updated.Key.Scopes.Should().Equal("reports:write");
        keys.Manager.Scopes.Should().Equal("reports:read", "reports:write");
    }

    [Fact]
    public async Task A_scope_that_the_host_does_not_have_is_refused_at_creation_and_in_a_change()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { Scopes = ["reports:read"] });
        string id = (await keys.CreateAsync(New("reports:read"))).Details.Key.Id;
        const string Fault = "Scopes[0]: 'governance:read' is not a scope; the scopes are reports:read";

        (await ManagedKeys.RefusedAsync(() => keys.CreateAsync(New("governance:read") with { Name = "other" }))).Message.Should().Be(Fault);
        (await ManagedKeys.RefusedAsync(() => keys.UpdateAsync(id, new ApiKeyUpdate { Scopes = ["governance:read"] })))
            .Message.Should().Be(Fault);
        (await keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Fact]
    public async Task A_host_without_scopes_refuses_every_scope_and_makes_keys_without_any()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { Scopes = [] });

        (await ManagedKeys.RefusedAsync(() => keys.CreateAsync(New("admin")))).Message.Should().Be(
            "Scopes[0]: 'admin' is not a scope; this application has none");
        (await keys.CreateAsync(New())).Details.Key.Scopes.Should().BeEmpty();
    }

    [Fact]
    public async Task A_key_keeps_a_scope_that_the_host_no_longer_has_until_its_scopes_are_set()
    {
        var before = new ManagedKeys();
        string id = (await before.CreateAsync(New("admin"))).Details.Key.Id;
        ApiKeyManager manager = new ManagedKeys(new IpAllowlistOptions { Scopes = ["reports:read"] }).CreateManager(before.Repository);
        CancellationToken cancellation = TestContext.Current.CancellationToken;

        ChangedApiKey renamed = await manager.UpdateAsync(
            id, new ApiKeyUpdate { Name = "renamed" }, null, ManagedKeys.Actor, cancellation);
        ChangedApiKey set = await manager.UpdateAsync(
            id, new ApiKeyUpdate { Scopes = ["reports:read"] }, null, ManagedKeys.Actor, cancellation);

        renamed.Details.Key.Scopes.Should().Equal("admin");
        set.Details.Key.Scopes.Should().Equal("reports:read");
    }

    private static NewApiKey New(params string[] scopes) => new() { Name = "name", AllowedIps = [], Scopes = scopes };
}
