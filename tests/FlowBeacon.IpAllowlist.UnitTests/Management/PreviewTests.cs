using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Previews of changes.</summary>
public sealed class PreviewTests
{
    private readonly ManagedKeys _keys = new();

    private ApiKeyManager Manager => _keys.Manager;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_update_is_previewed_with_the_key_after_it_its_risk_and_its_warnings()
    {
        ApiKeyDetails before = await CreateInUseAsync();
        var update = new ApiKeyUpdate { Name = "renamed", AllowedIps = ["8.8.8.8", "0.0.0.0"] };

        ApiKeyPreview preview = await Manager.PreviewUpdateAsync(before.Key.Id, update, before.Version, Cancellation);

        preview.Before.Should().Be(before);
        preview.After.Name.Should().Be("renamed");
        preview.LockoutRisk!.Sources.Select(source => source.ClientIp).Should().Equal("8.8.4.4");
        preview.LockoutRisk.AreOlderEvicted.Should().BeFalse();
        preview.Warnings.Should().ContainSingle().Which.Entry.Should().Be("0.0.0.0");
        await ShouldBeUnchangedAsync(before);
        ApiKeyDetails updated = await _keys.UpdateAsync(before.Key.Id, update with { AcceptLockoutRisk = true });
        updated.Key.Should().Be(preview.After, "the preview tells what the update does");
    }

    [Fact]
    public async Task An_update_that_denies_no_source_has_no_risk()
    {
        ApiKeyDetails before = await CreateInUseAsync();

        ApiKeyPreview preview = await Manager.PreviewUpdateAsync(
            before.Key.Id, new ApiKeyUpdate { AllowedIps = ["8.8.8.8", "8.8.4.4", "1.1.1.1"] }, null, Cancellation);

        preview.LockoutRisk.Should().BeNull();
        preview.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task The_preview_of_an_update_is_refused_like_the_update_except_for_the_risk()
    {
        ApiKeyDetails before = await CreateInUseAsync();
        string id = before.Key.Id;
        _keys.Configure(new ApiKey
        {
            Id = "configured",
            Name = "configured",
            Hash = ApiKeyHash.Compute("raw"),
            AllowedIps = IpAddressSet.Empty,
        });
        string revoked = (await _keys.CreateAsync("revoked")).Details.Key.Id;
        await _keys.RevokeAsync(revoked);
        (string Id, ApiKeyUpdate Update, long? Version)[] refused =
        [
            (id, new ApiKeyUpdate { AllowedIps = ["10.0.0.0/8"] }, null),
            (id, new ApiKeyUpdate { Name = "configured" }, null),
            (id, new ApiKeyUpdate { Name = "x" }, 2),
            (revoked, new ApiKeyUpdate { Name = "x" }, null),
            ("configured", new ApiKeyUpdate { Name = "x" }, null),
            ("key_unknown", new ApiKeyUpdate { Name = "x" }, null),
        ];

        foreach ((string key, ApiKeyUpdate update, long? version) in refused)
        {
            ApiKeyManagementException previewed = await ManagedKeys.RefusedAsync(
                () => Manager.PreviewUpdateAsync(key, update, version, Cancellation));
            ApiKeyManagementException updated = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(key, update, version));

            previewed.Fault.Should().Be(updated.Fault);
            previewed.Message.Should().Be(updated.Message);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Emptying_a_list_that_cannot_be_read_must_be_meant_in_the_preview_too(bool isMeant)
    {
        ApiKeyDetails key = (await _keys.CreateAsync("name", "8.8.8.8")).Details;
        await WriteAsync(key with { Version = 2, Key = key.Key with { AllowedIps = IpAddressSet.Unreadable } });
        Func<Task<ApiKeyPreview>> preview = () => Manager.PreviewUpdateAsync(
            key.Key.Id, new ApiKeyUpdate { AllowedIps = [], AcceptUnreadableList = isMeant }, null, Cancellation);

        if (isMeant)
        {
            (await preview()).After.AllowedIps.Should().Be(IpAddressSet.Empty);
        }
        else
        {
            (await ManagedKeys.RefusedAsync(preview)).Fault.Should().Be(ApiKeyManagementFault.Conflict);
        }
    }

    [Fact]
    public async Task Ending_a_grace_period_is_previewed_with_the_last_use_of_the_old_secret()
    {
        IssuedApiKey old = await _keys.CreateAsync("in use", "8.8.8.8", "8.8.4.4");
        string id = old.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id);
        ApiKeyDetails before = rotated.Details;
        _keys.Use(before.Key, old.RawKey, "8.8.8.8");
        DateTimeOffset used = _keys.Now;
        _keys.Time.Advance(TimeSpan.FromHours(1));
        _keys.Use(before.Key, rotated.RawKey, "8.8.4.4");

        ApiKeyPreview preview = await Manager.PreviewEndGraceAsync(id, before.Version, Cancellation);

        preview.Before.Should().Be(before);
        preview.After.Retiring.Should().BeNull();
        var use = new SecretUse { KeyId = id, Secret = old.Details.Key.Hash, ClientIp = "8.8.8.8", LastSeen = used };
        preview.OldSecret.Should().Be(use);
        preview.LockoutRisk.Should().BeEquivalentTo(new LockoutRisk { Sources = [], AreOlderEvicted = false, OldSecret = use });
        await ShouldBeUnchangedAsync(before);

        _keys.Time.Advance(TimeSpan.FromSeconds(1));
        ApiKeyPreview later = await Manager.PreviewEndGraceAsync(id, before.Version, Cancellation);

        later.OldSecret.Should().Be(use);
        later.LockoutRisk.Should().BeNull("it was used longer than an hour ago");
        (await _keys.EndGraceAsync(id)).Key.Should().Be(later.After);
    }

    [Fact]
    public async Task Ending_no_grace_period_is_refused_in_the_preview_too()
    {
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        string revoked = (await _keys.CreateAsync("revoked")).Details.Key.Id;
        await _keys.RevokeAsync(revoked);

        (await ManagedKeys.RefusedAsync(() => Manager.PreviewEndGraceAsync(id, null, Cancellation)))
            .Message.Should().Be("The key is not in the grace period of a rotation.");
        (await ManagedKeys.RefusedAsync(() => Manager.PreviewEndGraceAsync(revoked, null, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.Conflict);
        await _keys.RotateAsync(id, 1);
        (await ManagedKeys.RefusedAsync(() => Manager.PreviewEndGraceAsync(id, 1, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.StaleVersion);
        _keys.Time.Advance(TimeSpan.FromHours(1));
        (await ManagedKeys.RefusedAsync(() => Manager.PreviewEndGraceAsync(id, null, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.Conflict);
    }

    [Fact]
    public async Task Revoking_is_previewed_with_all_sources_in_use()
    {
        ApiKeyDetails before = await CreateInUseAsync();
        _keys.Use(before.Key.Id, "198.51.100.9");

        ApiKeyPreview preview = await Manager.PreviewRevokeAsync(before.Key.Id, before.Version, Cancellation);

        preview.Before.Should().Be(before);
        preview.After.IsRevoked.Should().BeTrue();
        preview.LockoutRisk!.Sources.Select(source => source.ClientIp)
            .Should().BeEquivalentTo(["8.8.8.8", "8.8.4.4"], "an address that left the list is denied already");
        await ShouldBeUnchangedAsync(before);
        (await _keys.RevokeAsync(before.Key.Id)).Key.Should().Be(preview.After);
    }

    [Fact]
    public async Task Revoking_has_no_risk_if_the_key_no_longer_works_or_was_not_used_within_a_day()
    {
        string revoked = (await CreateInUseAsync("revoked")).Key.Id;
        await _keys.RevokeAsync(revoked);
        string unused = (await CreateInUseAsync("unused")).Key.Id;
        _keys.Time.Advance(TimeSpan.FromHours(24) + TimeSpan.FromSeconds(1));
        string expired = (await CreateInUseAsync("expired")).Key.Id;
        await _keys.UpdateAsync(expired, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });
        _keys.Time.Advance(TimeSpan.FromHours(1));
        string used = (await CreateInUseAsync("used")).Key.Id;

        foreach (string id in new[] { revoked, unused, expired })
        {
            (await Manager.PreviewRevokeAsync(id, null, Cancellation)).LockoutRisk.Should().BeNull();
        }

        (await Manager.PreviewRevokeAsync(used, null, Cancellation)).LockoutRisk.Should().NotBeNull();
    }

    [Fact]
    public async Task The_preview_of_a_revocation_is_refused_like_the_revocation()
    {
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        _keys.Configure(new ApiKey { Id = "configured", Hash = ApiKeyHash.Compute("raw"), AllowedIps = IpAddressSet.Empty });

        (await ManagedKeys.RefusedAsync(() => Manager.PreviewRevokeAsync(id, 2, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.StaleVersion);
        (await ManagedKeys.RefusedAsync(() => Manager.PreviewRevokeAsync("key_unknown", null, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.NotFound);
        (await ManagedKeys.RefusedAsync(() => Manager.PreviewRevokeAsync("configured", null, Cancellation)))
            .Message.Should().Be(ManagedKeys.FromConfiguration);
    }

    [Fact]
    public async Task Evicted_sources_are_part_of_the_risk()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxSourcesPerKey = 1 });
        string id = (await keys.CreateAsync("name")).Details.Key.Id;
        keys.Use(id, "8.8.8.8");
        keys.Use(id, "8.8.4.4");

        LockoutRisk risk = (await keys.Manager.PreviewRevokeAsync(id, null, Cancellation)).LockoutRisk!;

        risk.Sources.Should().ContainSingle().Which.ClientIp.Should().Be("8.8.4.4");
        risk.AreOlderEvicted.Should().BeTrue();
    }

    /// <summary>A key that is used from both addresses of its list.</summary>
    private async Task<ApiKeyDetails> CreateInUseAsync(string name = "in use")
    {
        ApiKeyDetails details = (await _keys.CreateAsync(name, "8.8.8.8", "8.8.4.4")).Details;
        _keys.Use(details.Key.Id, "8.8.8.8");
        _keys.Use(details.Key.Id, "8.8.4.4");
        return details;
    }

    private async Task WriteAsync(ApiKeyDetails key) => await _keys.Repository.CommitAsync(
        new ApiKeyChange { Keys = [new ApiKeyWrite { Details = key, ExpectedVersion = key.Version - 1 }], Audit = [] }, Cancellation);

    private async Task ShouldBeUnchangedAsync(ApiKeyDetails before)
    {
        (await _keys.GetAsync(before.Key.Id)).Should().Be(before);
        (await _keys.AuditAsync(before.Key.Id)).Should().HaveCount((int)before.Version, "a preview is not on record");
    }
}
