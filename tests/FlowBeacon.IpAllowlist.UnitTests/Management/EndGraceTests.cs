using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Ending a grace period whose old secret is in use requires that the risk is accepted.</summary>
public sealed class EndGraceTests
{
    private const string From = "198.51.100.9";

    private readonly ManagedKeys _keys = new();

    [Theory]
    [InlineData(0, true)]
    [InlineData(3_600, true)]
    [InlineData(3_601, false)]
    public async Task It_is_refused_for_an_hour_after_the_last_use_of_the_old_secret(int seconds, bool isRefused)
    {
        (string id, ApiKey key, string old, _) = await RotateAsync();
        DateTimeOffset used = _keys.Now;
        _keys.Use(key, old, From);
        _keys.Time.Advance(TimeSpan.FromSeconds(seconds));

        if (!isRefused)
        {
            (await _keys.EndGraceAsync(id)).Key.Retiring.Should().BeNull();
            return;
        }

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.EndGraceAsync(id));
        refusal.Fault.Should().Be(ApiKeyManagementFault.LockoutRisk);
        refusal.Code.Should().Be(ApiKeyConflictCode.OldSecretInUse);
        refusal.LockoutRisk!.OldSecret.Should().Be(
            new SecretUse { KeyId = id, Secret = ApiKeyHash.Compute(old), ClientIp = From, LastSeen = used });
        refusal.Message.Should().Be(
            "The old secret is in use, last at 2027-01-01 00:00:00Z from 198.51.100.9. Switch its clients to the new one first,"
            + " or repeat the change with acceptLockoutRisk: true.");
        (await _keys.GetAsync(id)).Key.Should().Be(key, "nothing was written");
    }

    [Fact]
    public async Task It_is_refused_right_after_the_rotation_of_a_key_in_use()
    {
        IssuedApiKey issued = await _keys.CreateAsync("name");
        string id = issued.Details.Key.Id;
        _keys.Use(id, From);
        await _keys.RotateAsync(id);

        (await ManagedKeys.RefusedAsync(() => _keys.EndGraceAsync(id))).LockoutRisk!.OldSecret!.ClientIp.Should().Be(From);
    }

    [Fact]
    public async Task It_is_refused_right_after_another_rotation_of_a_key_in_use()
    {
        (string id, ApiKey key, _, string replacement) = await RotateAsync(graceHours: 1);
        _keys.Use(key, replacement, "198.51.100.10");
        _keys.Time.Advance(TimeSpan.FromHours(2));
        _keys.Use(id, From);
        await _keys.RotateAsync(id);

        LockoutRisk risk = (await ManagedKeys.RefusedAsync(() => _keys.EndGraceAsync(id))).LockoutRisk!;
        risk.OldSecret.Should().Be(
            new SecretUse { KeyId = id, Secret = ApiKeyHash.Compute(replacement), ClientIp = From, LastSeen = _keys.Now });
    }

    [Fact]
    public async Task Uses_of_the_new_secret_do_not_keep_the_old_one()
    {
        (string id, ApiKey key, _, string replacement) = await RotateAsync();
        _keys.Use(key, replacement, From);

        (await _keys.EndGraceAsync(id)).Key.Retiring.Should().BeNull();
        (await _keys.AuditAsync(id))[0].Detail.Should().Be($"the old secret {key.Retiring!.Prefix} stopped working");
    }

    [Fact]
    public async Task An_accepted_risk_is_audited_with_the_last_use()
    {
        (string id, ApiKey key, string old, _) = await RotateAsync();
        _keys.Use(key, old, From);

        (await _keys.EndGraceAsync(id, acceptLockoutRisk: true)).Key.Retiring.Should().BeNull();
        (await _keys.AuditAsync(id))[0].Detail.Should().Be(
            $"the old secret {key.Retiring!.Prefix} stopped working; lockout risk accepted for its use at 2027-01-01 00:00:00Z"
            + $" from {From}");
    }

    [Fact]
    public async Task Accepting_a_risk_that_is_not_there_is_not_audited()
    {
        (string id, ApiKey key, _, _) = await RotateAsync();

        await _keys.EndGraceAsync(id, acceptLockoutRisk: true);

        (await _keys.AuditAsync(id))[0].Detail.Should().Be($"the old secret {key.Retiring!.Prefix} stopped working");
    }

    [Fact]
    public async Task Rotating_and_revoking_ignore_the_use_of_the_old_secret()
    {
        (string id, ApiKey key, string old, _) = await RotateAsync(graceHours: 1);
        _keys.Time.Advance(TimeSpan.FromMinutes(59));
        _keys.Use(key, old, From);
        _keys.Time.Advance(TimeSpan.FromMinutes(1));

        await _keys.RotateAsync(id);
        (await _keys.RevokeAsync(id)).Key.IsRevoked.Should().BeTrue();
    }

    [Fact]
    public async Task An_empty_cursor_of_the_listing_is_not_from_an_earlier_page() =>
        await _keys.Invoking(keys => keys.ListAsync(new ApiKeyQuery { After = "" })).Should().ThrowAsync<FormatException>();

    private async Task<(string Id, ApiKey Key, string Old, string Replacement)> RotateAsync(int graceHours = 24)
    {
        IssuedApiKey issued = await _keys.CreateAsync("name");
        string id = issued.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id, graceHours);
        return (id, rotated.Details.Key, issued.RawKey, rotated.RawKey);
    }
}
