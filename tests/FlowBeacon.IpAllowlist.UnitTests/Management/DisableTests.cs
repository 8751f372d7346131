using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>A key that is disabled does not work until it is enabled again, and disabling one that is in use needs to be meant.</summary>
public sealed class DisableTests
{
    private const string Listed = "203.0.113.7";

    private static readonly ApiKeyUpdate Disable = new() { Enabled = false };
    private static readonly ApiKeyUpdate Enable = new() { Enabled = true };

    private readonly ManagedKeys _keys = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_disabled_key_does_not_work_and_works_again_with_both_secrets_when_it_is_enabled()
    {
        IssuedApiKey first = await _keys.CreateAsync("make-grid", Listed);
        string id = first.Details.Key.Id;
        IssuedApiKey second = await _keys.RotateAsync(id);

        ApiKeyDetails disabled = await _keys.UpdateAsync(id, Disable);

        disabled.StateAt(_keys.Now).Should().Be(ApiKeyState.Disabled);
        (_keys.Accepts(first.RawKey), _keys.Accepts(second.RawKey)).Should().Be((false, false));
        disabled.Key.Should().Be(second.Details.Key with { IsDisabled = true }, "nothing else changed");

        ApiKeyDetails enabled = await _keys.UpdateAsync(id, Enable);

        enabled.StateAt(_keys.Now).Should().Be(ApiKeyState.Active);
        (_keys.Accepts(first.RawKey), _keys.Accepts(second.RawKey)).Should().Be((true, true));
        enabled.Key.Should().Be(second.Details.Key);
    }

    [Fact]
    public async Task Each_is_on_record_and_doing_it_again_changes_nothing()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;

        foreach (ApiKeyUpdate update in new[] { Enable, Disable, Disable, Enable, Enable })
        {
            await _keys.UpdateAsync(id, update);
        }

        (await _keys.AuditAsync(id)).Select(entry => entry.Action).Should().Equal(
            AuditAction.Enable, AuditAction.Disable, AuditAction.Create);
        (await _keys.GetAsync(id)).Version.Should().Be(3);
    }

    [Fact]
    public async Task A_change_that_disables_and_changes_more_is_one_entry_that_tells_both()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;

        await _keys.UpdateAsync(id, Disable with { AllowedIps = ["192.0.2.1"] });

        AuditEntry entry = (await _keys.AuditAsync(id))[0];
        entry.Action.Should().Be(AuditAction.Disable);
        entry.OldAllowedIps.Should().Equal(Listed);
        entry.NewAllowedIps.Should().Equal("192.0.2.1");
    }

    [Theory]
    [InlineData(24 * 60 * 60, true)]
    [InlineData((24 * 60 * 60) + 1, false)]
    public async Task Disabling_a_key_that_was_used_within_24_hours_is_refused_unless_it_is_accepted(int secondsSince, bool isRefused)
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;
        _keys.Use(id, Listed);
        _keys.Time.Advance(TimeSpan.FromSeconds(secondsSince));

        if (isRefused)
        {
            ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, Disable));
            refusal.Fault.Should().Be(ApiKeyManagementFault.LockoutRisk);
            refusal.LockoutRisk!.Sources.Should().ContainSingle().Which.ClientIp.Should().Be(Listed);
            refusal.Message.Should().Be(
                $"The change would deny {Listed}, in use within the last 24 hours. Switch its clients to another key first, or repeat"
                + $" the change with {nameof(ApiKeyUpdate.AcceptLockoutRisk)}.");
            (await _keys.GetAsync(id)).Version.Should().Be(1);

            await _keys.UpdateAsync(id, Disable with { AcceptLockoutRisk = true });
            (await _keys.AuditAsync(id))[0].Detail.Should().Be($"lockout risk accepted for {Listed}");
        }
        else
        {
            await _keys.UpdateAsync(id, Disable);
        }

        (await _keys.GetAsync(id)).Key.IsDisabled.Should().BeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disabling_cuts_off_what_a_wider_list_in_the_same_change_would_admit(bool hasList)
    {
        string id = (await _keys.CreateAsync("make-grid", hasList ? [Listed] : [])).Details.Key.Id;
        _keys.Use(id, Listed);

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => _keys.UpdateAsync(id, Disable with { AllowedIps = [Listed, "192.0.2.1"] }));

        refusal.LockoutRisk!.Sources.Should().ContainSingle();
    }

    [Fact]
    public async Task A_key_that_does_not_work_is_disabled_without_a_risk()
    {
        IssuedApiKey expiring = await _keys.CreateAsync(
            new NewApiKey { Name = "expiring", AllowedIps = [Listed], ExpiresAt = _keys.Now.AddHours(1) });
        string id = expiring.Details.Key.Id;
        _keys.Use(id, Listed);
        _keys.Time.Advance(TimeSpan.FromHours(1));

        ApiKeyDetails disabled = await _keys.UpdateAsync(id, Disable);
        ApiKeyDetails enabled = await _keys.UpdateAsync(id, Enable);

        disabled.StateAt(_keys.Now).Should().Be(ApiKeyState.Disabled);
        enabled.StateAt(_keys.Now).Should().Be(ApiKeyState.Expired, "enabling does not renew a key");
        _keys.Accepts(expiring.RawKey).Should().BeFalse();
    }

    [Fact]
    public async Task A_list_change_of_a_disabled_key_is_guarded_as_of_any_other()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;
        _keys.Use(id, Listed);
        await _keys.UpdateAsync(id, Disable with { AcceptLockoutRisk = true });

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] }));

        refusal.Fault.Should().Be(ApiKeyManagementFault.LockoutRisk, "it would be cut off when the key is enabled");
        refusal.Message.Should().Contain("Add what is missing to the list");
    }

    [Fact]
    public async Task A_preview_tells_who_would_be_cut_off_and_what_the_key_would_be()
    {
        ApiKeyDetails before = (await _keys.CreateAsync("make-grid", Listed)).Details;
        _keys.Use(before.Key.Id, Listed);

        ApiKeyPreview preview = await _keys.Manager.PreviewUpdateAsync(before.Key.Id, Disable, null, Cancellation);
        ApiKeyPreview ofEnabling = await _keys.Manager.PreviewUpdateAsync(before.Key.Id, Enable, null, Cancellation);

        preview.After.IsDisabled.Should().BeTrue();
        preview.LockoutRisk!.Sources.Should().ContainSingle().Which.ClientIp.Should().Be(Listed);
        ofEnabling.LockoutRisk.Should().BeNull();
        (await _keys.GetAsync(before.Key.Id)).Should().Be(before);

        await _keys.UpdateAsync(before.Key.Id, Disable with { AcceptLockoutRisk = true });
        (await _keys.Manager.PreviewRevokeAsync(before.Key.Id, null, Cancellation)).LockoutRisk.Should().BeNull("nothing uses it");
    }

    [Fact]
    public async Task A_disabled_key_is_neither_rotated_nor_recovered_and_stays_disabled()
    {
        IssuedApiKey key = await _keys.CreateAsync("make-grid", Listed);
        string id = key.Details.Key.Id;
        await _keys.UpdateAsync(id, Disable);

        (await ManagedKeys.RefusedAsync(() => _keys.RotateAsync(id))).Message.Should().Be(
            "The key is disabled. Enable it before it is rotated.");
        (await ManagedKeys.RefusedAsync(() => _keys.Manager.RecoverAsync(
            id, IPAddress.Parse("198.51.100.9"), ApiKeyHash.Compute(key.RawKey), ManagedKeys.Actor, Cancellation))).Message.Should().Be(
            "The key is disabled. Recovering its address would not help. An administrator can enable the key.");
        (await _keys.GetAsync(id)).Should().Match<ApiKeyDetails>(details => details.Version == 2 && details.Key.IsDisabled);
    }

    [Fact]
    public async Task A_disabled_key_can_be_renamed_and_its_grace_period_ended_and_stays_disabled()
    {
        IssuedApiKey first = await _keys.CreateAsync("make-grid", Listed);
        string id = first.Details.Key.Id;
        IssuedApiKey second = await _keys.RotateAsync(id);
        await _keys.UpdateAsync(id, Disable);

        await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed" });
        await _keys.EndGraceAsync(id);

        ApiKeyDetails details = await _keys.GetAsync(id);
        details.Key.Should().Be(second.Details.Key with { Name = "renamed", IsDisabled = true, Retiring = null });
        _keys.Accepts(second.RawKey).Should().BeFalse();
    }

    [Fact]
    public async Task A_disabled_key_keeps_its_name_and_a_revoked_one_is_not_enabled()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;
        await _keys.UpdateAsync(id, Disable);

        await ManagedKeys.RefusedAsync(() => _keys.CreateAsync("make-grid"));
        await _keys.RevokeAsync(id);
        (await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, Enable))).Message.Should().StartWith("The key is revoked");

        (await _keys.GetAsync(id)).StateAt(_keys.Now).Should().Be(ApiKeyState.Revoked);
    }

    [Fact]
    public async Task A_trial_says_that_the_key_is_disabled()
    {
        string id = (await _keys.CreateAsync("make-grid", Listed)).Details.Key.Id;
        await _keys.UpdateAsync(id, Disable);

        AddressTrial trial = await _keys.Manager.TryAsync(id, IPAddress.Parse(Listed), Cancellation);

        (trial.Outcome, trial.Detail).Should().Be((IpAllowlistOutcome.InvalidKey, "The key is disabled."));
    }
}
