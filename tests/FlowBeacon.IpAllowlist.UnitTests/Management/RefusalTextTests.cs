using System.Net;
using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Messages of the manager use .NET names; only the HTTP layer uses JSON names.</summary>
public sealed partial class RefusalTextTests
{
    private static readonly IPAddress Caller = IPAddress.Parse("198.51.100.9");

    private readonly ManagedKeys _keys = new();

    /// <summary>Every refusal, by its fault, and how to meet it.</summary>
    public static TheoryData<string, ApiKeyManagementFault, ApiKeyConflictCode?> Refusals => new()
    {
        { "fields of a new key", ApiKeyManagementFault.Invalid, null },
        { "break-glass key with a list", ApiKeyManagementFault.Invalid, null },
        { "raw key as a name", ApiKeyManagementFault.Invalid, null },
        { "fields of an update", ApiKeyManagementFault.Invalid, null },
        { "expiry set and removed", ApiKeyManagementFault.Invalid, null },
        { "grace period", ApiKeyManagementFault.Invalid, null },
        { "unknown key", ApiKeyManagementFault.NotFound, null },
        { "id taken", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.IdTaken },
        { "name taken", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.NameTaken },
        { "key from configuration", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyFromConfiguration },
        { "expired key rotated", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyExpired },
        { "key in its grace period", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.InGracePeriod },
        { "key in no grace period", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.NotInGracePeriod },
        { "revoked key", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyRevoked },
        { "disabled key rotated", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyDisabled },
        { "disabled key recovered", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyDisabled },
        { "unreadable list emptied", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.UnreadableList },
        { "expired key recovered", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.KeyExpired },
        { "unreadable list recovered", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.UnreadableList },
        { "no list to recover", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.NoList },
        { "address on the list", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.AddressListed },
        { "no denial", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.NotDenied },
        { "recovered just now", ApiKeyManagementFault.Conflict, ApiKeyConflictCode.RecoveredRecently },
        { "stale version", ApiKeyManagementFault.StaleVersion, null },
        { "disabled while in use", ApiKeyManagementFault.LockoutRisk, ApiKeyConflictCode.LockoutRisk },
        { "old secret in use", ApiKeyManagementFault.LockoutRisk, ApiKeyConflictCode.OldSecretInUse },
        { "lock-out", ApiKeyManagementFault.LockoutRisk, ApiKeyConflictCode.LockoutRisk },
        { "audit log away", ApiKeyManagementFault.AuditUnavailable, null },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_has_its_fault_and_code_and_no_name_in_snake_case(
        string refusal, ApiKeyManagementFault fault, ApiKeyConflictCode? code)
    {
        ApiKeyManagementException refused = await ManagedKeys.RefusedAsync(() => MeetAsync(refusal));

        refused.Fault.Should().Be(fault);
        refused.Code.Should().Be(code);
        SnakeCase().Matches(refused.Message).Select(match => match.Value).Should().BeEmpty();
        refused.Errors.Keys.Where(field => SnakeCase().IsMatch(field) || char.IsAsciiLetterLower(field[0])).Should().BeEmpty();
    }

    /// <summary>An unknown address is found out over HTTP alone.</summary>
    [Fact]
    public void Every_code_is_met() => Refusals.Select(row => row.Data.Item3).OfType<ApiKeyConflictCode>()
        .Append(ApiKeyConflictCode.AddressUnknown).Distinct().Should().BeEquivalentTo(Enum.GetValues<ApiKeyConflictCode>());

    [Theory]
    [InlineData("allowed_ips[2]", true)]
    [InlineData("repeat with accept_lockout_risk", true)]
    [InlineData("AllowedIps[2]: must be key_ and 32 digits", false)]
    public void A_name_in_snake_case_is_found(string text, bool isFound) => SnakeCase().IsMatch(text).Should().Be(isFound);

    private async Task MeetAsync(string refusal)
    {
        ApiKeyDetails key = (await _keys.CreateAsync("first", "203.0.113.7")).Details;
        string id = key.Key.Id;
        switch (refusal)
        {
            case "fields of a new key":
                await _keys.CreateAsync(New("") with
                {
                    Id = "1",
                    AllowedIps = ["10.0.0.0/8", ""],
                    Scopes = ["x"],
                    ExpiresAt = ManagedKeys.Start,
                    AllowlistMode = (AllowlistMode)7,
                });
                break;
            case "break-glass key with a list":
                await _keys.CreateAsync(New("glass", "203.0.113.7") with { IsBreakGlass = true, Scopes = ["admin"] });
                break;
            case "raw key as a name":
                await _keys.CreateAsync(TestKeys.Unknown);
                break;
            case "fields of an update":
                await _keys.UpdateAsync(id, new ApiKeyUpdate
                {
                    Name = " ",
                    AllowedIps = [.. Enumerable.Range(0, 1001).Select(number => $"10.0.{number / 256}.{number % 256}")],
                    Scopes = [""],
                    AllowlistMode = (AllowlistMode)7,
                });
                break;
            case "expiry set and removed":
                await _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddDays(1), RemoveExpiry = true });
                break;
            case "grace period":
                await _keys.RotateAsync(id, graceHours: 0);
                break;
            case "unknown key":
                await _keys.RevokeAsync("key_0");
                break;
            case "id taken":
                await _keys.CreateAsync(New("second") with { Id = id });
                break;
            case "name taken":
                await _keys.CreateAsync("FIRST");
                break;
            case "key from configuration":
                _keys.Configure(key.Key with { Id = "configured", Name = "configured", Hash = ApiKeyHash.Compute(TestKeys.Unknown) });
                await _keys.RevokeAsync("configured");
                break;
            case "expired key rotated":
                await _keys.RotateAsync(await ExpiredAsync(id));
                break;
            case "key in its grace period":
                await _keys.RotateAsync(id);
                await _keys.RotateAsync(id);
                break;
            case "key in no grace period":
                await _keys.EndGraceAsync(id);
                break;
            case "revoked key":
                await _keys.RevokeAsync(id);
                await _keys.RotateAsync(id);
                break;
            case "disabled key rotated":
                await _keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = false });
                await _keys.RotateAsync(id);
                break;
            case "disabled key recovered":
                await _keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = false });
                await RecoverAsync(id);
                break;
            case "disabled while in use":
                _keys.Use(id, "203.0.113.7");
                await _keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = false });
                break;
            case "unreadable list emptied":
                await _keys.UpdateAsync(await UnreadableAsync(key), new ApiKeyUpdate { AllowedIps = [] });
                break;
            case "expired key recovered":
                await RecoverAsync(await ExpiredAsync(id));
                break;
            case "unreadable list recovered":
                await RecoverAsync(await UnreadableAsync(key));
                break;
            case "no list to recover":
                await RecoverAsync((await _keys.CreateAsync("open")).Details.Key.Id);
                break;
            case "address on the list":
                await RecoverAsync((await _keys.CreateAsync("listed", $"{Caller}")).Details.Key.Id);
                break;
            case "no denial":
                await RecoverAsync(id);
                break;
            case "recovered just now":
                _keys.Deny(id, Caller);
                await RecoverAsync(id);
                await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7"] });
                await RecoverAsync(id);
                break;
            case "stale version":
                await _keys.RevokeAsync(id, version: 7);
                break;
            case "old secret in use":
                _keys.Use(id, "203.0.113.7");
                await _keys.RotateAsync(id);
                await _keys.EndGraceAsync(id);
                break;
            case "lock-out":
                _keys.Use(id, "203.0.113.7");
                await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["203.0.113.8"] });
                break;
            case "audit log away":
                using (var log = new OutageAuditLog())
                {
                    log.Break(OutageAuditLog.Throws);
                    ApiKeyManager manager = _keys.CreateManager(new InMemoryApiKeyRepository(new InMemoryApiKeyStore(), log));
                    await manager.CreateAsync(New("second"), ManagedKeys.Actor, TestContext.Current.CancellationToken);
                }

                break;
        }
    }

    private static NewApiKey New(string name, params string[] allowedIps) => new() { Name = name, AllowedIps = [.. allowedIps] };

    private async Task<string> ExpiredAsync(string id)
    {
        await _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });
        _keys.Time.Advance(TimeSpan.FromHours(1));
        return id;
    }

    private async Task<string> UnreadableAsync(ApiKeyDetails key)
    {
        ApiKeyDetails unreadable = key with { Key = key.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 };
        await _keys.Repository.CommitAsync(
            new ApiKeyChange { Keys = [new ApiKeyWrite { Details = unreadable, ExpectedVersion = 1 }], Audit = [] },
            TestContext.Current.CancellationToken);
        return key.Key.Id;
    }

    private Task<ChangedApiKey> RecoverAsync(string id) =>
        _keys.Manager.RecoverAsync(id, Caller, null, ManagedKeys.Actor, TestContext.Current.CancellationToken);

    [GeneratedRegex("[a-z]_[a-z]")]
    private static partial Regex SnakeCase();
}
