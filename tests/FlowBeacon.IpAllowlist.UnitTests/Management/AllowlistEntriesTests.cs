using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Entries of a list as people write them: texts, or with a note and an expiry, and ranges where the host allows them.</summary>
public sealed class AllowlistEntriesTests
{
    private const string RangeRefused = "'198.51.100.0/28' is a CIDR range; list each address, or allow ranges with AllowCidrRanges";

    private static readonly DateTimeOffset Friday = ManagedKeys.Start.AddDays(1);

    private readonly ManagedKeys _keys = new();

    [Fact]
    public async Task Have_a_note_an_expiry_and_the_time_they_were_added()
    {
        IssuedApiKey issued = await _keys.CreateAsync(new NewApiKey
        {
            Name = "make-grid",
            AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = "2001:DB8:0::1", Note = "Berlin office", ExpiresAt = Friday }],
        });
        _keys.Time.Advance(TimeSpan.FromMinutes(1));
        ApiKeyDetails key = await _keys.UpdateAsync(
            issued.Details.Key.Id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7", "2001:db8::1", "192.0.2.9"] });

        key.Key.AllowedIps.Entries.Should().Equal(
            new IpAllowlistEntry { Text = "192.0.2.9" },
            new IpAllowlistEntry { Text = "203.0.113.7" },
            new IpAllowlistEntry { Text = "2001:db8::1", ExpiresAt = Friday });
        key.Entries.Should().Equal(
            new AllowlistEntryDetails { Ip = "192.0.2.9", AddedAt = _keys.Now },
            new AllowlistEntryDetails { Ip = "203.0.113.7", AddedAt = ManagedKeys.Start },
            new AllowlistEntryDetails { Ip = "2001:db8::1", Note = "Berlin office", AddedAt = ManagedKeys.Start });
    }

    [Fact]
    public async Task Written_as_an_object_have_both_replaced()
    {
        string id = await CreateAsync(new AllowlistItem { Ip = "203.0.113.7", Note = "contractor", ExpiresAt = Friday });

        ApiKeyDetails key = await _keys.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = [new AllowlistItem { Ip = "203.0.113.7", Note = "employee" }] });

        key.Entries.Should().ContainSingle().Which.Note.Should().Be("employee");
        key.Key.AllowedIps.Entries.Should().ContainSingle().Which.ExpiresAt.Should().BeNull();
    }

    [Fact]
    public async Task That_have_expired_stay_deny_and_may_be_written_back()
    {
        string id = await CreateAsync(new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = Friday });
        _keys.Time.SetUtcNow(Friday);

        ApiKeyDetails asText = await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7"] });
        ApiKeyDetails asObject = await _keys.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = [new AllowlistItem { Ip = "203.0.113.7", Note = "gone", ExpiresAt = Friday }] });

        asText.Version.Should().Be(1, "nothing changed");
        asObject.Key.AllowedIps.Count.Should().Be(1);
        (await _keys.Manager.TryAsync(id, IPAddress.Parse("203.0.113.7"), TestContext.Current.CancellationToken))
            .Outcome.Should().Be(IpAllowlistOutcome.Denied);
        (await _keys.Manager.TryAsync(id, IPAddress.Parse("192.0.2.1"), TestContext.Current.CancellationToken))
            .Outcome.Should().Be(IpAllowlistOutcome.Denied, "the list is not empty");
    }

    [Fact]
    public async Task That_are_refused_are_named_with_their_members()
    {
        string id = await CreateAsync(new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = Friday });
        _keys.Time.SetUtcNow(Friday);

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate
        {
            AllowedIps =
            [
                new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = Friday.AddTicks(-1) },
                new AllowlistItem { Ip = "192.0.2.1", ExpiresAt = Friday },
                new AllowlistItem { Ip = "192.0.2.2", Note = new string('n', 201) },
                new AllowlistItem { Ip = "192.0.2.3", Note = "two\nlines" },
                new AllowlistItem { Ip = "192.0.2.*" },
                "198.51.100.0/28",
                null!,
            ],
        }));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid);
        refusal.Errors.Should().BeEquivalentTo(new Dictionary<string, string[]>
        {
            ["AllowedIps[0].ExpiresAt"] = ["must be in the future"],
            ["AllowedIps[1].ExpiresAt"] = ["must be in the future"],
            ["AllowedIps[2].Note"] = ["must be at most 200 characters, and has 201"],
            ["AllowedIps[3].Note"] = ["must not begin or end with white space, nor contain control characters"],
            ["AllowedIps[4]"] = ["'192.0.2.*' is a wildcard; list each address"],
            ["AllowedIps[5]"] = [RangeRefused],
            ["AllowedIps[6]"] = ["an entry is empty; remove it or write an address"],
        });
        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Fact]
    public async Task Of_one_address_are_one_entry_and_are_refused_where_they_differ()
    {
        string id = await CreateAsync("203.0.113.7", "::ffff:203.0.113.7");
        (await _keys.GetAsync(id)).Entries.Should().ContainSingle();

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate
        {
            AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = "::ffff:203.0.113.7", Note = "office" }],
        }));

        refusal.Errors.Should().ContainSingle().Which.Value.Should().Equal(
            "203.0.113.7 is listed with two notes or expiries; list it once");
    }

    [Fact]
    public async Task May_be_ranges_where_the_host_allows_them_within_its_bounds()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { AllowCidrRanges = true, MinIPv4PrefixLength = 24 });

        ApiKeyDetails key = (await keys.CreateAsync("make-grid", "198.51.100.0/28", "2001:db8::/64")).Details;
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => keys.UpdateAsync(
            key.Key.Id, new ApiKeyUpdate { AllowedIps = ["10.0.0.0/16", "198.51.100.1/28", "0.0.0.0/0"] }));

        key.Key.AllowedIps.ToCanonicalStrings().Should().Equal("198.51.100.0/28", "2001:db8::/64");
        refusal.Errors.Select(error => $"{error.Key}: {error.Value[0]}").Should().Equal(
            "AllowedIps[0]: '10.0.0.0/16' is wider than allowed; write IPv4 networks with a prefix length of at least 24",
            "AllowedIps[1]: '198.51.100.1/28' has host bits set; write 198.51.100.0/28, or 198.51.100.1 alone",
            "AllowedIps[2]: '0.0.0.0/0' contains every address; list the networks that may use the key");
    }

    [Fact]
    public async Task Existing_ranges_may_be_written_back_but_no_new_ones_where_ranges_are_not_allowed()
    {
        string id = await CreateAsync("203.0.113.7");
        ApiKeyDetails read = await _keys.GetAsync(id);
        IpAddressSet list = IpAddressSet.Parse(["203.0.113.7", "10.0.0.0/8", "198.51.100.0/28"], CidrRangeBounds.Default);
        await WriteAsync(_keys, read with { Key = read.Key with { AllowedIps = list }, Version = 2 });

        ApiKeyDetails kept = await _keys.UpdateAsync(id, new ApiKeyUpdate
        {
            AllowedIps = ["203.0.113.7", new AllowlistItem { Ip = "198.51.100.0/28", Note = "office" }],
        });
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = ["198.51.100.0/28", "198.51.100.0/29"] }));

        kept.Key.AllowedIps.ToCanonicalStrings().Should().Equal("198.51.100.0/28", "203.0.113.7");
        kept.Entries.Should().Contain(new AllowlistEntryDetails { Ip = "198.51.100.0/28", Note = "office" });
        refusal.Errors.Should().ContainSingle().Which.Key.Should().Be("AllowedIps[1]");
    }

    [Fact]
    public async Task Changed_in_note_or_expiry_alone_are_on_record_with_old_and_new()
    {
        string id = await CreateAsync(new AllowlistItem { Ip = "203.0.113.7", Note = "contractor", ExpiresAt = Friday });

        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [new AllowlistItem { Ip = "203.0.113.7", Note = "employee" }] });

        IReadOnlyList<AuditEntry> audit = await _keys.AuditAsync(id);
        audit[0].Should().BeEquivalentTo(new { OldAllowedIps = (string[]?)null, NewAllowedIps = (string[]?)null });
        audit[0].Changes.Should().Equal(
            new AuditChange { Field = "allowed_ips[203.0.113.7].note", Old = "contractor", New = "employee" },
            new AuditChange { Field = "allowed_ips[203.0.113.7].expires_at", Old = "2027-01-02T00:00:00Z", New = null });
        audit[1].Changes.Should().Equal(
            new AuditChange { Field = "allowlist_mode", Old = null, New = "enforce" },
            new AuditChange { Field = "allowed_ips[203.0.113.7].note", Old = null, New = "contractor" },
            new AuditChange { Field = "allowed_ips[203.0.113.7].expires_at", Old = null, New = "2027-01-02T00:00:00Z" });
    }

    [Fact]
    public async Task Within_a_range_of_the_same_list_are_warned_of()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { AllowCidrRanges = true });

        IssuedApiKey issued = await keys.CreateAsync(
            "make-grid", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "11.0.0.1", "2a00::/32", "2a00:0:1::/48", "2a01::/32");

        issued.Warnings.Where(warning => warning.Kind == ApiKeyWarningKind.Overlap).Select(warning => (warning.Entry, warning.Message))
            .Should().Equal(
                ("10.1.0.0/16", Overlap("10.1.0.0/16", "10.0.0.0/8")),
                ("10.1.2.3", Overlap("10.1.2.3", "10.0.0.0/8")),
                ("2a00:0:1::/48", Overlap("2a00:0:1::/48", "2a00::/32")));

        static string Overlap(string entry, string range) =>
            $"{entry} lies within {range}, so its expiry or removal denies nobody while {range} is in force";
    }

    [Fact]
    public async Task That_are_ranges_are_warned_of_for_the_same_reasons_as_addresses()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { AllowCidrRanges = true });

        IssuedApiKey issued = await keys.CreateAsync(new NewApiKey
        {
            Name = "make-grid",
            AllowedIps = ["10.0.0.0/8", "203.0.113.0/28", "203.0.0.0/16", "224.0.0.0/8"],
            ProxyAddress = IPAddress.Parse("10.0.0.7"),
        });

        issued.Warnings.Select(warning => (warning.Kind, warning.Entry)).Should().BeEquivalentTo(
        [
            (ApiKeyWarningKind.OwnProxy, "10.0.0.0/8"),
            (ApiKeyWarningKind.NeverAClient, "203.0.113.0/28"),
            (ApiKeyWarningKind.NeverAClient, "224.0.0.0/8"),
            (ApiKeyWarningKind.Overlap, "203.0.113.0/28"),
        ]);
        issued.Warnings.Should().ContainSingle(warning => warning.Kind == ApiKeyWarningKind.OwnProxy).Which.Message.Should().StartWith(
            "10.0.0.0/8 holds 10.0.0.7, where this request connected from, with an X-Forwarded-For header");
    }

    [Fact]
    public async Task In_use_that_expire_soon_are_warned_of_at_a_change_and_when_the_key_is_read()
    {
        string id = await CreateAsync("203.0.113.7", new AllowlistItem { Ip = "192.0.2.1", ExpiresAt = Friday });
        _keys.Use(id, "203.0.113.7");
        _keys.Use(id, "192.0.2.1");
        _keys.Time.Advance(TimeSpan.FromTicks(1));

        ChangedApiKey changed = await _keys.Manager.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7", "192.0.2.1", "192.0.2.2"] }, null, ManagedKeys.Actor,
            TestContext.Current.CancellationToken);
        IReadOnlyList<ApiKeyWarning> read = await _keys.Manager.GetWarningsAsync(id, TestContext.Current.CancellationToken);

        changed.Warnings.Where(warning => warning.Kind == ApiKeyWarningKind.EntryExpiresInUse).Should().BeEquivalentTo(read);
        read.Should().ContainSingle().Which.Should().Be(new ApiKeyWarning
        {
            Kind = ApiKeyWarningKind.EntryExpiresInUse,
            Entry = "192.0.2.1",
            Message = "192.0.2.1 admits until 2027-01-02 00:00:00Z only, and was last used at 2027-01-01 00:00:00Z;"
                + " give it a later expiry if it is still needed",
        });
    }

    [Fact]
    public async Task Narrowed_from_a_range_that_is_in_use_are_a_lockout_risk_only_where_the_source_is_left_out()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { AllowCidrRanges = true });
        string id = (await keys.CreateAsync("make-grid", "198.51.100.0/28")).Details.Key.Id;
        keys.Use(id, "198.51.100.9");

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["198.51.100.0/29"] }));
        ApiKeyDetails narrowed = await keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["198.51.100.8/29"] });

        refusal.LockoutRisk!.Sources.Should().ContainSingle().Which.ClientIp.Should().Be("198.51.100.9");
        narrowed.Version.Should().Be(2);
    }

    [Fact]
    public async Task Of_one_address_are_one_entry_although_time_passes_between_them()
    {
        _keys.Time.AutoAdvanceAmount = TimeSpan.FromTicks(1);

        string id = await CreateAsync("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7");

        (await _keys.GetAsync(id)).Entries.Should().ContainSingle();
    }

    [Fact]
    public async Task That_are_new_must_expire_in_the_future_at_a_creation_as_well()
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => CreateAsync(new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = _keys.Now }));

        refusal.Errors.Should().ContainSingle().Which.Should().BeEquivalentTo(
            new KeyValuePair<string, string[]>("AllowedIps[0].ExpiresAt", ["must be in the future"]));
        await CreateAsync(new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = _keys.Now.AddTicks(1) });
    }

    [Fact]
    public async Task That_are_too_many_are_counted_beside_the_faults_of_others_and_those_of_the_kept_list_are_not()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxAddressesPerKey = 2 });
        ApiKeyDetails read = (await keys.CreateAsync("make-grid", "192.0.2.1")).Details;
        IpAddressSet list = IpAddressSet.Parse(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        await WriteAsync(keys, read with { Key = read.Key with { AllowedIps = list }, Version = 2 });

        ApiKeyManagementException tooMany = await RefusedAsync("192.0.2.7", "192.0.2.8", "office", "192.0.2.9");
        ApiKeyManagementException faulty = await RefusedAsync("192.0.2.7", "office");

        tooMany.Errors.Keys.Should().BeEquivalentTo("AllowedIps[2]", "AllowedIps");
        tooMany.Errors["AllowedIps"].Should().Equal("has 3 entries; at most 2 are allowed");
        faulty.Errors.Keys.Should().Equal("AllowedIps[1]");

        Task<ApiKeyManagementException> RefusedAsync(params string[] items) =>
            ManagedKeys.RefusedAsync(() => keys.UpdateAsync(read.Key.Id, new ApiKeyUpdate { AllowedIps = [.. items] }));
    }

    [Fact]
    public async Task Given_an_expiry_although_they_are_in_use_are_warned_of_and_not_refused()
    {
        string id = await CreateAsync("203.0.113.7");
        _keys.Use(id, "203.0.113.7");
        var update = new ApiKeyUpdate { AllowedIps = [new AllowlistItem { Ip = "203.0.113.7", ExpiresAt = _keys.Now.AddSeconds(1) }] };

        ApiKeyPreview preview = await _keys.Manager.PreviewUpdateAsync(id, update, null, TestContext.Current.CancellationToken);
        ChangedApiKey changed = await _keys.Manager.UpdateAsync(
            id, update, null, ManagedKeys.Actor, TestContext.Current.CancellationToken);

        preview.LockoutRisk.Should().BeNull();
        changed.Warnings.Should().Contain(warning => warning.Kind == ApiKeyWarningKind.EntryExpiresInUse);
        preview.Warnings.Should().Equal(changed.Warnings);
        (await _keys.AuditAsync(id))[0].Detail.Should().BeNull("no risk was accepted");
    }

    [Fact]
    public async Task That_have_expired_may_be_removed_although_sources_in_use_are_no_longer_remembered()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxSourcesPerKey = 1 });
        string id = (await keys.CreateAsync(new NewApiKey
        {
            Name = "make-grid",
            AllowedIps = ["203.0.113.7", "203.0.113.8", new AllowlistItem { Ip = "192.0.2.1", ExpiresAt = Friday }],
        })).Details.Key.Id;
        keys.Time.SetUtcNow(Friday.AddTicks(-1));
        keys.Use(id, "203.0.113.7");
        keys.Use(id, "203.0.113.8");
        var withoutExpired = new ApiKeyUpdate { AllowedIps = ["203.0.113.7", "203.0.113.8"] };

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => keys.UpdateAsync(id, withoutExpired));
        keys.Time.SetUtcNow(Friday);
        ApiKeyDetails removed = await keys.UpdateAsync(id, withoutExpired);

        refusal.LockoutRisk!.AreOlderEvicted.Should().BeTrue();
        removed.Key.AllowedIps.Count.Should().Be(2);
    }

    [Fact]
    public async Task Written_as_a_text_keep_what_another_change_has_just_made_of_them()
    {
        string id = await CreateAsync("203.0.113.7");
        var item = new AllowlistItem { Ip = "203.0.113.7", Note = "contractor", ExpiresAt = Friday };
        var raced = new RacedRepository(_keys.Repository, () => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [item] }));

        ChangedApiKey changed = await _keys.CreateManager(raced).UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = ["203.0.113.7", "192.0.2.1"] }, null, ManagedKeys.Actor,
            TestContext.Current.CancellationToken);

        changed.Details.Version.Should().Be(3);
        changed.Details.Entries[1].Note.Should().Be("contractor");
        changed.Details.Key.AllowedIps.Entries[1].ExpiresAt.Should().Be(Friday);
    }

    private async Task<string> CreateAsync(params AllowlistItem[] items) =>
        (await _keys.CreateAsync(new NewApiKey { Name = "make-grid", AllowedIps = items })).Details.Key.Id;

    /// <summary>Writes a key as it shall be, whatever the rules say.</summary>
    private static async Task WriteAsync(ManagedKeys keys, ApiKeyDetails key) => await keys.Repository.CommitAsync(
        new ApiKeyChange { Keys = [new ApiKeyWrite { Details = key, ExpectedVersion = key.Version - 1 }], Audit = [] },
        TestContext.Current.CancellationToken);

    /// <summary>A repository where another change is committed just before the first one.</summary>
    private sealed class RacedRepository(IApiKeyRepository repository, Func<Task> another) : IApiKeyRepository
    {
        private Func<Task>? _another = another;

        public async ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
        {
            if (Interlocked.Exchange(ref _another, null) is { } first)
            {
                await first();
            }

            return await repository.CommitAsync(change, cancellationToken);
        }

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) =>
            repository.GetAsync(id, cancellationToken);

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
