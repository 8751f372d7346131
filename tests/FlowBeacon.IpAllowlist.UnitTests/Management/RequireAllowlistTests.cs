using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Where every key must have a list, no change leaves one without; what does not touch the list is never refused for it.</summary>
public sealed class RequireAllowlistTests
{
    private const string Listed = "203.0.113.7";
    private const string Fault = "AllowedIps: must not be empty: this application requires a list for every key";

    private readonly ManagedKeys _keys = new(new IpAllowlistOptions { RequireAllowlist = true });

    [Fact]
    public async Task A_new_key_without_a_list_is_refused()
    {
        (await ManagedKeys.RefusedAsync(() => _keys.CreateAsync("make-grid"))).Message.Should().Be(Fault);
        (await ManagedKeys.RefusedAsync(() => _keys.CreateAsync(new NewApiKey { Name = "make-grid", AllowedIps = null! })))
            .Message.Should().Be("AllowedIps: is missing; write the allowed addresses", "[] would be refused");

        await _keys.ShouldBeEmptyAsync();
    }

    [Fact]
    public async Task A_key_with_a_list_one_that_rehearses_it_and_a_break_glass_key_are_created()
    {
        await _keys.CreateAsync("make-grid", Listed);
        await _keys.CreateAsync(new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });
        await _keys.CreateAsync(new NewApiKey { Name = "glass", AllowedIps = [], IsBreakGlass = true });
        await _keys.CreateAsync(new NewApiKey { Name = "glass 2", AllowedIps = null!, IsBreakGlass = true });

        (await _keys.ListAsync()).Should().HaveCount(4);
        _keys.Manager.RequiresAllowlist.Should().BeTrue();
    }

    [Fact]
    public async Task A_change_that_empties_a_list_is_refused_in_the_preview_too()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;
        var empty = new ApiKeyUpdate { AllowedIps = [], AllowlistMode = AllowlistMode.ReportOnly };

        (await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, empty))).Message.Should().Be(Fault);
        (await ManagedKeys.RefusedAsync(() => _keys.Manager.PreviewUpdateAsync(id, empty, null, TestContext.Current.CancellationToken)))
            .Message.Should().Be(Fault);

        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_is_replaced_by_addresses_and_not_by_none()
    {
        ApiKeyDetails key = (await _keys.CreateAsync("make-grid", Listed)).Details;
        await WriteAsync(key, key.Key with { AllowedIps = IpAddressSet.Unreadable });

        (await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(
            key.Key.Id, new ApiKeyUpdate { AllowedIps = [], AcceptUnreadableList = true }))).Message.Should().Be(Fault);
        await _keys.UpdateAsync(key.Key.Id, new ApiKeyUpdate { AllowedIps = [Listed] });

        (await _keys.GetAsync(key.Key.Id)).Key.AllowedIps.ToCanonicalStrings().Should().Equal(Listed);
    }

    [Fact]
    public async Task A_key_that_is_there_without_a_list_works_and_changes_in_everything_but_its_list()
    {
        IssuedApiKey issued = await _keys.CreateAsync("make-grid", Listed);
        string id = issued.Details.Key.Id;
        await WriteAsync(issued.Details, issued.Details.Key with { AllowedIps = IpAddressSet.Empty });

        await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed" });
        await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed again", AllowedIps = [] });
        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowlistMode = AllowlistMode.ReportOnly });
        await _keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = false });
        await _keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = true });
        IssuedApiKey rotated = await _keys.RotateAsync(id);
        _keys.Accepts(rotated.RawKey).Should().BeTrue();
        await _keys.EndGraceAsync(id);
        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [Listed] });
        (await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [] }))).Message.Should().Be(Fault);
        await _keys.RevokeAsync(id);

        (await _keys.GetAsync(id)).Key.Name.Should().Be("renamed again");
    }

    [Fact]
    public async Task A_key_without_a_list_is_revoked()
    {
        IssuedApiKey issued = await _keys.CreateAsync("make-grid", Listed);
        await WriteAsync(issued.Details, issued.Details.Key with { AllowedIps = IpAddressSet.Empty });

        (await _keys.RevokeAsync(issued.Details.Key.Id)).Key.IsRevoked.Should().BeTrue();
    }

    private async Task WriteAsync(ApiKeyDetails before, ApiKey after) => await _keys.Repository.CommitAsync(
        new ApiKeyChange
        {
            Keys =
            [
                new ApiKeyWrite
                {
                    Details = before with { Key = after, Version = before.Version + 1 },
                    ExpectedVersion = before.Version,
                },
            ],
            Audit = [],
        },
        TestContext.Current.CancellationToken);
}
