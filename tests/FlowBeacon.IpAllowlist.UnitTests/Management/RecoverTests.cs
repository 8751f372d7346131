using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>What a break-glass key can change: the one address it calls from, for a key that was just denied from it.</summary>
public sealed class RecoverTests
{
    private static readonly IPAddress Caller = IPAddress.Parse("198.51.100.9");
    private static readonly ApiKeyActor Glass = new() { Kind = ApiKeyActorKind.Key, Id = "key_glass", Address = "198.51.100.9" };

    private readonly ManagedKeys _keys = new();

    [Fact]
    public async Task Allows_the_address_that_the_key_was_just_denied_from()
    {
        string id = await LockedOutAsync("203.0.113.7");

        ApiKeyDetails recovered = await RecoverAsync(id);

        recovered.Key.AllowedIps.ToCanonicalStrings().Should().BeEquivalentTo("203.0.113.7", "198.51.100.9");
        recovered.Version.Should().Be(2);
        recovered.RecoveredAt.Should().Be(_keys.Now);
        recovered.UpdatedAt.Should().Be(_keys.Now);
        (await _keys.GetAsync(id)).Should().Be(recovered);
    }

    [Fact]
    public async Task Is_on_record_with_the_old_and_the_new_list()
    {
        string id = await LockedOutAsync("203.0.113.7");

        await RecoverAsync(id);

        AuditEntry entry = (await _keys.AuditAsync(id))[0];
        entry.Should().BeEquivalentTo(
            new { Action = AuditAction.Recover, Actor = Glass, KeyId = id, KeyName = "locked-out", At = _keys.Now });
        entry.OldAllowedIps.Should().Equal("203.0.113.7");
        entry.NewAllowedIps.Should().BeEquivalentTo("203.0.113.7", "198.51.100.9");
    }

    [Fact]
    public async Task Both_secrets_of_a_rotation_work_from_the_recovered_address()
    {
        IssuedApiKey issued = await _keys.CreateAsync("locked-out", "203.0.113.7");
        string id = issued.Details.Key.Id;
        string newer = (await _keys.RotateAsync(id)).RawKey;
        _keys.Deny(id, Caller);

        await RecoverAsync(id);

        _keys.Find(issued.RawKey)!.AllowedIps.Contains(Caller).Should().BeTrue();
        _keys.Find(newer)!.AllowedIps.Contains(Caller).Should().BeTrue();
        _keys.Accepts(issued.RawKey).Should().BeTrue();
    }

    [Fact]
    public async Task Refuses_an_address_that_the_key_was_not_denied_from()
    {
        string id = await LockedOutAsync("203.0.113.7");

        await RefusedAsync(
            id, "The key was not recently denied from 192.0.2.1. Send a request with it from here first.", IPAddress.Parse("192.0.2.1"));
    }

    [Fact]
    public async Task Refuses_a_key_whose_address_another_key_was_denied_from()
    {
        await LockedOutAsync("203.0.113.7");
        string other = (await _keys.CreateAsync("other", "203.0.113.7")).Details.Key.Id;

        await RefusedAsync(other, "The key was not recently denied from 198.51.100.9. Send a request with it from here first.");
    }

    [Fact]
    public async Task Never_turns_the_check_on_for_a_key_without_a_list()
    {
        string id = await LockedOutAsync();

        await RefusedAsync(id, "The key has no list, so nothing locks it out. A first address would turn the check on.");
    }

    [Fact]
    public async Task Never_gives_a_break_glass_key_a_list()
    {
        string id = (await _keys.CreateAsync(new NewApiKey { AllowedIps = [], Name = "glass", IsBreakGlass = true })).Details.Key.Id;
        _keys.Deny(id, Caller);

        await RefusedAsync(id, "The key has no list, so nothing locks it out. A first address would turn the check on.");
    }

    [Fact]
    public async Task Refuses_an_address_that_is_on_the_list_already()
    {
        string id = await LockedOutAsync("203.0.113.7", "198.51.100.9");

        await RefusedAsync(id, "198.51.100.9 is on the key's list already.");
        await RefusedAsync(id, "198.51.100.9 is on the key's list already.", Caller.MapToIPv6());
    }

    [Fact]
    public async Task Is_refused_a_second_time_until_an_hour_has_passed_to_the_instant()
    {
        string id = await LockedOutAsync("203.0.113.7");
        await RecoverAsync(id);
        var next = IPAddress.Parse("2001:db8::9");
        _keys.Deny(id, next);

        await RefusedAsync(id, "The key was recovered at 2027-01-01 00:00:00Z. It can be recovered once an hour.", next);
        _keys.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        await RefusedAsync(id, "The key was recovered at 2027-01-01 00:00:00Z. It can be recovered once an hour.", next);

        _keys.Time.Advance(TimeSpan.FromTicks(1));
        (await RecoverAsync(id, next)).Key.AllowedIps.ToCanonicalStrings()
            .Should().BeEquivalentTo("203.0.113.7", "198.51.100.9", "2001:db8::9");
    }

    [Fact]
    public async Task Other_changes_do_not_shorten_the_hour()
    {
        string id = await LockedOutAsync("203.0.113.7");
        await RecoverAsync(id);
        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7"] });
        await _keys.RotateAsync(id);

        await RefusedAsync(id, "The key was recovered at 2027-01-01 00:00:00Z. It can be recovered once an hour.");
    }

    [Fact]
    public async Task The_hour_is_each_keys_own()
    {
        string one = await LockedOutAsync("203.0.113.7");
        string two = (await _keys.CreateAsync("two", "203.0.113.7")).Details.Key.Id;
        _keys.Deny(two, Caller);

        await RecoverAsync(one);
        await RecoverAsync(two);

        (await _keys.GetAsync(two)).Key.AllowedIps.Contains(Caller).Should().BeTrue();
    }

    [Fact]
    public async Task Refuses_an_expired_key_from_the_instant_of_its_expiry()
    {
        string id = await LockedOutAsync("203.0.113.7");
        await _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });
        _keys.Time.Advance(TimeSpan.FromHours(1));

        await RefusedAsync(id, "The key is expired. Recovering its address would not help.");
    }

    [Fact]
    public async Task Refuses_a_revoked_key()
    {
        string id = await LockedOutAsync("203.0.113.7");
        await _keys.RevokeAsync(id);

        await RefusedAsync(id, "The key is revoked, which is final. Create a new one.");
    }

    [Fact]
    public async Task Refuses_a_key_from_configuration()
    {
        _keys.Configure(new ApiKey
        {
            Id = "configured",
            Name = "configured",
            Hash = ApiKeyHash.Compute("raw"),
            AllowedIps = IpAddressSet.Parse(["203.0.113.7"]),
        });
        _keys.Deny("configured", Caller);

        await RefusedAsync("configured", ManagedKeys.FromConfiguration);
    }

    [Fact]
    public async Task Knows_no_key_with_another_id()
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => RecoverAsync("key_unknown"));

        refusal.Fault.Should().Be(ApiKeyManagementFault.NotFound);
    }

    [Fact]
    public async Task Refuses_one_address_more_than_a_list_holds()
    {
        string id = await LockedOutAsync([.. Enumerable.Range(0, 1_000).Select(number => $"2001:db8::{number:x}")]);

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => RecoverAsync(id));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid);
        refusal.Errors.Should().ContainSingle().Which.Should().BeEquivalentTo(
            new KeyValuePair<string, string[]>("AllowedIps", ["has 1001 entries; at most 1000 are allowed"]));
        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Theory]
    [InlineData("::ffff:198.51.100.9", "198.51.100.9")]
    [InlineData("2001:DB8:0::9", "2001:db8::9")]
    [InlineData("fe80::1%7", "fe80::1")]
    public async Task Allows_the_callers_address_in_its_canonical_form(string caller, string allowed)
    {
        string id = await LockedOutAsync("203.0.113.7");
        var address = IPAddress.Parse(caller);
        _keys.Deny(id, address);
        _keys.Deny(id, IPAddress.Parse(allowed));

        ApiKeyDetails recovered = await RecoverAsync(id, address);

        recovered.Key.AllowedIps.ToCanonicalStrings().Should().BeEquivalentTo("203.0.113.7", allowed);
    }

    [Fact]
    public async Task Keeps_the_other_entries_with_their_expiries_and_renews_the_callers_entry_that_has_expired()
    {
        string id = await LockedOutAsync("203.0.113.7");
        IpAllowlistEntry[] others =
        [
            new() { Text = "10.0.0.0/8", ExpiresAt = _keys.Now.AddDays(1) },
            new() { Text = "203.0.113.7", ExpiresAt = _keys.Now.AddDays(-1) },
        ];
        ApiKeyDetails read = await _keys.GetAsync(id);
        IpAddressSet list = IpAddressSet.ReadStored(
            others.Append(new IpAllowlistEntry { Text = Caller.ToString(), ExpiresAt = _keys.Now }), out _);
        var write = new ApiKeyWrite
        {
            Details = read with { Key = read.Key with { AllowedIps = list }, Version = 2 },
            ExpectedVersion = 1,
        };
        await _keys.Repository.CommitAsync(new ApiKeyChange { Keys = [write], Audit = [] }, TestContext.Current.CancellationToken);

        ApiKeyDetails recovered = await RecoverAsync(id);

        recovered.Key.AllowedIps.Entries.Should().BeEquivalentTo(
            others.Append(new IpAllowlistEntry { Text = Caller.ToString(), ExpiresAt = _keys.Now.AddHours(24) }));
    }

    [Fact]
    public async Task The_entry_expires_after_a_day_and_says_who_and_why()
    {
        IssuedApiKey issued = await _keys.CreateAsync("locked-out", "203.0.113.7");
        _keys.Deny(issued.Details.Key.Id, Caller);

        ApiKeyDetails recovered = await RecoverAsync(issued.Details.Key.Id);

        recovered.Entries.Should().ContainSingle(entry => entry.Ip == "198.51.100.9").Which.Should().Be(new AllowlistEntryDetails
        {
            Ip = "198.51.100.9",
            Note = "Recovery by key key_glass: the key was denied from here",
            AddedAt = _keys.Now,
            IsFromRecovery = true,
        });
        _keys.Find(issued.RawKey)!.AllowedIps.Contains(Caller, _keys.Now.AddHours(24).AddTicks(-1)).Should().BeTrue();
        _keys.Find(issued.RawKey)!.AllowedIps.Contains(Caller, _keys.Now.AddHours(24)).Should().BeFalse();
        (await _keys.AuditAsync())[0].Changes.Should().BeEquivalentTo(
        [
            new AuditChange { Field = "allowed_ips[198.51.100.9].note", Old = null, New = recovered.Entries[0].Note },
            new AuditChange { Field = "allowed_ips[198.51.100.9].expires_at", Old = null, New = "2027-01-02T00:00:00Z" },
        ]);
    }

    [Fact]
    public async Task The_note_of_the_entry_says_that_the_caller_presented_the_key()
    {
        IssuedApiKey issued = await _keys.CreateAsync("locked-out", "203.0.113.7");

        ApiKeyDetails recovered = await RecoverAsync(issued.Details.Key.Id, presented: ApiKeyHash.Compute(issued.RawKey));

        recovered.Entries.Select(entry => entry.Note).Should().Equal(
            "Recovery by key key_glass: the caller showed the key itself", "");
    }

    [Fact]
    public async Task The_entry_lives_as_long_as_the_host_says()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { RecoveryEntryLifetime = TimeSpan.FromHours(2) });
        string id = (await keys.CreateAsync("locked-out", "203.0.113.7")).Details.Key.Id;
        keys.Deny(id, Caller);

        ChangedApiKey recovered = await keys.Manager.RecoverAsync(
            id, Caller, presented: null, Glass, TestContext.Current.CancellationToken);

        recovered.Details.Key.AllowedIps.Entries[0].ExpiresAt.Should().Be(keys.Now.AddHours(2));
    }

    [Fact]
    public async Task An_expired_entry_of_a_recovery_makes_room_on_a_full_list_and_no_other_does()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxAddressesPerKey = 3 });
        string id = (await keys.CreateAsync(new NewApiKey
        {
            Name = "locked-out",
            AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = "203.0.113.8", ExpiresAt = keys.Now.AddHours(1) }],
        })).Details.Key.Id;
        IPAddress[] callers = [.. new[] { "192.0.2.1", "192.0.2.2", "192.0.2.3" }.Select(IPAddress.Parse)];
        await RecoverFromAsync(callers[0]);

        keys.Time.Advance(TimeSpan.FromHours(23));
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => RecoverFromAsync(callers[1]));
        keys.Time.Advance(TimeSpan.FromHours(1));
        await RecoverFromAsync(callers[2]);

        refusal.Errors.Should().ContainKey("AllowedIps").WhoseValue.Should().Equal("has 4 entries; at most 3 are allowed");
        (await keys.GetAsync(id)).Key.AllowedIps.ToCanonicalStrings().Should().Equal("192.0.2.3", "203.0.113.7", "203.0.113.8");

        Task RecoverFromAsync(IPAddress caller)
        {
            keys.Deny(id, caller);
            return keys.Manager.RecoverAsync(id, caller, presented: null, Glass, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task An_expired_entry_of_a_person_is_renewed_and_makes_no_room_later()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxAddressesPerKey = 2 });
        string id = (await keys.CreateAsync(new NewApiKey
        {
            Name = "locked-out",
            AllowedIps =
            [
                "203.0.113.7", new AllowlistItem { Ip = Caller.ToString(), Note = "contractor", ExpiresAt = keys.Now.AddHours(1) },
            ],
        })).Details.Key.Id;
        keys.Time.Advance(TimeSpan.FromHours(1));
        await RecoverFromAsync(Caller);
        AllowlistEntryDetails renewed = (await keys.GetAsync(id)).Entries[0];
        keys.Time.Advance(TimeSpan.FromHours(24));

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => RecoverFromAsync(IPAddress.Parse("192.0.2.1")));

        renewed.Should().BeEquivalentTo(new { Ip = Caller.ToString(), AddedAt = ManagedKeys.Start, IsFromRecovery = false });
        renewed.Note.Should().StartWith("Recovery by key key_glass");
        refusal.Errors.Should().ContainKey("AllowedIps").WhoseValue.Should().Equal("has 3 entries; at most 2 are allowed");

        Task RecoverFromAsync(IPAddress caller)
        {
            keys.Deny(id, caller);
            return keys.Manager.RecoverAsync(id, caller, presented: null, Glass, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task The_entry_stays_that_of_a_recovery_where_it_is_written_back_and_becomes_a_persons_where_it_is_changed()
    {
        string id = await LockedOutAsync("203.0.113.7");
        ApiKeyDetails recovered = await RecoverAsync(id);
        AllowlistItem[] same =
        [
            .. recovered.DescribeEntries().Select(
                entry => new AllowlistItem { Ip = entry.Details.Ip, Note = entry.Details.Note, ExpiresAt = entry.ExpiresAt }),
        ];

        ApiKeyDetails writtenBack = await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = same });
        ApiKeyDetails changed = await _keys.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = [.. same.Select(item => item with { Note = "new office" })] });

        writtenBack.Should().Be(recovered, "nothing changed");
        changed.Entries.Select(entry => entry.IsFromRecovery).Should().Equal(false, false);
    }

    [Fact]
    public async Task The_note_is_one_that_may_be_written_back_whoever_recovers()
    {
        string id = await LockedOutAsync("203.0.113.7");
        var actor = new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = new string('я', 64) };

        ChangedApiKey recovered = await _keys.Manager.RecoverAsync(
            id, Caller, presented: null, actor, TestContext.Current.CancellationToken);

        string note = recovered.Details.Entries[0].Note;
        note.Should().StartWith("Recovery by user \\u044f").And.EndWith("...: the key was denied from here");
        await _keys.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = Caller.ToString(), Note = note }] });
    }

    [Fact]
    public async Task Asks_the_record_of_denials_for_the_canonical_address()
    {
        string id = await LockedOutAsync("203.0.113.7");

        ApiKeyDetails recovered = await RecoverAsync(id, Caller.MapToIPv6());

        recovered.Key.AllowedIps.Contains(Caller).Should().BeTrue("a peer on a dual-stack socket is the IPv4 address that was denied");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Takes_either_secret_of_the_key_in_place_of_a_denial(bool isOldSecret)
    {
        IssuedApiKey issued = await _keys.CreateAsync("locked-out", "203.0.113.7");
        string id = issued.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id, 1);
        var secret = ApiKeyHash.Compute(isOldSecret ? issued.RawKey : rotated.RawKey);

        ApiKeyDetails recovered = await RecoverAsync(id, presented: secret);

        recovered.Key.AllowedIps.Contains(Caller).Should().BeTrue();
        (await _keys.AuditAsync(id))[0].Detail.Should().Be("the caller showed the key itself");
    }

    [Fact]
    public async Task Refuses_a_wrong_or_outdated_secret_even_where_there_was_a_denial()
    {
        const string NoEvidence = "The key was not recently denied from 198.51.100.9. Send a request with it from here first.";
        IssuedApiKey issued = await _keys.CreateAsync("locked-out", "203.0.113.7");
        string id = issued.Details.Key.Id;
        _keys.Deny(id, Caller);
        await _keys.RotateAsync(id, 1);
        _keys.Time.Advance(TimeSpan.FromHours(1));
        IssuedApiKey other = await _keys.CreateAsync("other", "203.0.113.7");

        foreach (ApiKeyHash wrong in new[] { default, ApiKeyHash.Compute(issued.RawKey), ApiKeyHash.Compute(other.RawKey) })
        {
            await RefusedAsync(id, NoEvidence, presented: wrong);
        }
    }

    [Fact]
    public async Task The_default_hash_is_not_accepted_even_for_a_key_that_has_it()
    {
        string id = await LockedOutAsync("203.0.113.7");
        ApiKeyDetails key = await _keys.GetAsync(id);
        await _keys.Repository.CommitAsync(
            new ApiKeyChange
            {
                Keys = [new ApiKeyWrite { Details = key with { Version = 2, Key = key.Key with { Hash = default } }, ExpectedVersion = 1 }],
                Audit = [],
            },
            TestContext.Current.CancellationToken);

        await RefusedAsync(
            id, "The key was not recently denied from 198.51.100.9. Send a request with it from here first.",
            presented: default(ApiKeyHash));
    }

    [Fact]
    public async Task Two_concurrent_recoveries_are_one()
    {
        string id = await LockedOutAsync("203.0.113.7");
        IPAddress[] callers = [.. Enumerable.Range(1, 16).Select(number => IPAddress.Parse($"192.0.2.{number}"))];
        foreach (IPAddress caller in callers)
        {
            _keys.Deny(id, caller);
        }

        int recovered = 0;
        await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            try
            {
                await _keys.Manager.RecoverAsync(id, caller, presented: null, Glass, CancellationToken.None);
                Interlocked.Increment(ref recovered);
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.Conflict)
            {
                // Another was faster.
            }
        })));

        recovered.Should().Be(1);
        (await _keys.GetAsync(id)).Key.AllowedIps.Count.Should().Be(2);
    }

    private async Task<string> LockedOutAsync(params string[] allowedIps)
    {
        string id = (await _keys.CreateAsync("locked-out", allowedIps)).Details.Key.Id;
        _keys.Deny(id, Caller);
        return id;
    }

    private async Task<ApiKeyDetails> RecoverAsync(string id, IPAddress? callingFrom = null, ApiKeyHash? presented = null) =>
        (await _keys.Manager.RecoverAsync(id, callingFrom ?? Caller, presented, Glass, TestContext.Current.CancellationToken)).Details;

    private async Task RefusedAsync(string id, string message, IPAddress? callingFrom = null, ApiKeyHash? presented = null)
    {
        int audited = (await _keys.AuditAsync()).Count;
        ApiKeyDetails before = await _keys.GetAsync(id);

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => RecoverAsync(id, callingFrom, presented));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Conflict);
        refusal.Message.Should().Be(message);
        refusal.Errors.Should().BeEmpty();
        (await _keys.GetAsync(id)).Should().Be(before);
        (await _keys.AuditAsync()).Should().HaveCount(audited);
    }
}
