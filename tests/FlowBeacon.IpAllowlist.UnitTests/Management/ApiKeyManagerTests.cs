using System.Globalization;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The rules of creating, changing, rotating and revoking keys, each with its refusal.</summary>
public sealed class ApiKeyManagerTests
{
    private const string Revoked = "The key is revoked, which is final. Create a new one.";

    private static readonly string[] AllScopes = ["governance:read", "governance:evaluate", "admin"];

    private readonly ManagedKeys _keys = new();

    /// <summary>A field of a key to create, and the fault of it.</summary>
    public static TheoryData<string, NewApiKey, string, string> Faults => new()
    {
        { "no name", New(""), "Name", "must be 1 to 100 characters, and has 0" },
        { "long name", New(new string('n', 101)), "Name", "must be 1 to 100 characters, and has 101" },
        { "blank name", New(" "), "Name", "must not begin or end with white space, nor contain control characters" },
        { "space before", New(" name"), "Name", "must not begin or end with white space, nor contain control characters" },
        { "space behind", New("name\u00A0"), "Name", "must not begin or end with white space, nor contain control characters" },
        { "line break", New("na\nme"), "Name", "must not begin or end with white space, nor contain control characters" },
        { "control character", New("na\u0085me"), "Name", "must not begin or end with white space, nor contain control characters" },
        { "expired now", New("name") with { ExpiresAt = ManagedKeys.Start }, "ExpiresAt", "must be in the future" },
        { "expired before", New("name") with { ExpiresAt = ManagedKeys.Start.AddTicks(-1) }, "ExpiresAt", "must be in the future" },
        {
            "expired elsewhere", New("name") with { ExpiresAt = new DateTimeOffset(2027, 1, 1, 2, 0, 0, TimeSpan.FromHours(2)) },
            "ExpiresAt", "must be in the future"
        },
        {
            "range", New("name", "192.0.2.1", "2001:db8::1", "10.0.0.0/8"), "AllowedIps[2]",
            "'10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"
        },
        { "empty entry", New("name", "192.0.2.1", ""), "AllowedIps[1]", "an entry is empty; remove it or write an address" },
        { "wildcard", New("name", "192.0.2.*"), "AllowedIps[0]", "'192.0.2.*' is a wildcard; list each address" },
        { "octal", New("name", "010.0.0.1"), "AllowedIps[0]", "'010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1" },
        { "long list", New("name", Addresses(1_001)), "AllowedIps", "has 1001 entries; at most 1000 are allowed" },
        {
            "unknown scope", New("name") with { Scopes = ["governance:read", "governance:raed"] }, "Scopes[1]",
            "'governance:raed' is not a scope; the scopes are governance:read, governance:evaluate, admin"
        },
        {
            "scope in another case", New("name") with { Scopes = ["Admin"] }, "Scopes[0]",
            "'Admin' is not a scope; the scopes are governance:read, governance:evaluate, admin"
        },
        {
            "empty scope", New("name") with { Scopes = [""] }, "Scopes[0]",
            "'' is not a scope; the scopes are governance:read, governance:evaluate, admin"
        },
        {
            "unknown mode", New("name") with { AllowlistMode = (AllowlistMode)2 }, "AllowlistMode",
            "2 is not a mode; write Enforce or ReportOnly"
        },
        {
            "negative mode", New("name") with { AllowlistMode = (AllowlistMode)(-1) }, "AllowlistMode",
            "-1 is not a mode; write Enforce or ReportOnly"
        },
        {
            "break-glass with a list", New("name", "192.0.2.1") with { IsBreakGlass = true }, "AllowedIps",
            "must be empty: a break-glass key works from every address"
        },
        {
            "break-glass that evaluates", New("name") with { IsBreakGlass = true, Scopes = ["governance:read", "governance:evaluate"] },
            "Scopes",
            "must not contain governance:evaluate: a break-glass key only reads (governance:read)"
        },
        {
            "break-glass that administers", New("name") with { IsBreakGlass = true, Scopes = ["admin"] }, "Scopes",
            "must not contain admin: a break-glass key only reads (governance:read)"
        },
    };

    public static TheoryData<string> GoodNames => ["n", new string('n', 100), "make grid", "Schlüssel Nr. 1", "生产"];

    [Fact]
    public async Task Creates_a_key_that_works_at_once_from_its_addresses()
    {
        IssuedApiKey issued = await _keys.CreateAsync(New("make-grid", "203.0.113.7", "2001:DB8:0::7") with
        {
            Scopes = ["admin", "governance:read", "admin"],
            ExpiresAt = _keys.Now.AddTicks(1),
        });

        ApiKeyDetails details = issued.Details;
        details.Should().BeEquivalentTo(
            new { Version = 1L, CreatedAt = _keys.Now, UpdatedAt = _keys.Now, Origin = ApiKeyOrigin.Repository });
        details.RevokedAt.Should().BeNull();
        details.RecoveredAt.Should().BeNull();
        details.Key.Should().BeEquivalentTo(
            new { Name = "make-grid", ExpiresAt = _keys.Now.AddTicks(1), IsRevoked = false, IsBreakGlass = false });
        details.Key.Id.Should().MatchRegex("^key_[0-9a-f]{32}$");
        details.Key.AllowedIps.ToCanonicalStrings().Should().BeEquivalentTo("203.0.113.7", "2001:db8::7");
        details.Key.Scopes.Should().Equal(["governance:read", "admin"], "scopes are a set, in their published order");
        details.Key.Retiring.Should().BeNull();
        _keys.Find(issued.RawKey).Should().Be(details.Key);
        (await _keys.GetAsync(details.Key.Id)).Should().Be(details);
    }

    [Fact]
    public async Task Makes_unique_raw_keys_of_24_random_bytes()
    {
        var raw = new HashSet<string>();
        for (int number = 0; number < 200; number++)
        {
            IssuedApiKey issued = await _keys.CreateAsync($"name {number}");
            issued.RawKey.Should().MatchRegex("^fb_live_[0-9a-f]{48}$");
            issued.Details.Key.Prefix.Should().Be(issued.RawKey[..12]);
            issued.Details.Key.Hash.Should().Be(ApiKeyHash.Compute(issued.RawKey));
            raw.Add(issued.RawKey).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("acme-prod-xx", 12)]
    public async Task Makes_raw_keys_with_the_configured_prefix(string prefix, int length)
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { ApiKeyPrefix = prefix });

        IssuedApiKey issued = await keys.CreateAsync("name");

        issued.RawKey.Should().MatchRegex($"^{prefix}[0-9a-f]{{48}}$");
        issued.Details.Key.Prefix.Should().Be(issued.RawKey[..12]).And.HaveLength(12);
        issued.RawKey.Should().HaveLength(length + 48);
    }

    [Fact]
    public async Task The_raw_key_is_only_in_the_returned_value()
    {
        IssuedApiKey created = await _keys.CreateAsync(New("make-grid", "203.0.113.7"));
        string id = created.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id);
        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [], Name = "other" });
        await _keys.EndGraceAsync(id);
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.EndGraceAsync(id));
        await _keys.RevokeAsync(id);

        object[] kept = [await _keys.ListAsync(), await _keys.AuditAsync()];
        string everything = string.Join('\n', [
            .. kept.Select(item => JsonSerializer.Serialize(item)),
            .. (await _keys.AuditAsync()).Select(entry => entry.ToString()),
            .. (await _keys.ListAsync()).Select(details => details.ToString()),
            created.ToString(), created.Details.ToString(), rotated.ToString(), rotated.Details.ToString(),
            rotated.Details.Key.Retiring!.ToString(),
            refusal.ToString(),
        ]);

        foreach (IssuedApiKey issued in new[] { created, rotated })
        {
            everything.Should().Contain(issued.RawKey[..12]).And.NotContain(issued.RawKey[..13]).And.NotContain(issued.RawKey[12..24]);
            everything.Should().NotContain(ApiKeyHash.Compute(issued.RawKey).ToString());
        }
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Refuses_a_key_that_breaks_a_rule(string rule, NewApiKey request, string field, string fault)
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.CreateAsync(request));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid, rule);
        refusal.Errors.Should().ContainSingle().Which.Key.Should().Be(field);
        refusal.Errors[field].Should().Equal(fault);
        refusal.Message.Should().Be($"{field}: {fault}");
        await _keys.ShouldBeEmptyAsync();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Refuses_the_same_fault_in_an_update(string rule, NewApiKey request, string field, string fault)
    {
        string id = (await _keys.CreateAsync(New("before") with { IsBreakGlass = request.IsBreakGlass })).Details.Key.Id;
        ApiKeyDetails before = await _keys.GetAsync(id);

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate
        {
            Name = request.Name,
            AllowedIps = request.AllowedIps,
            Scopes = request.Scopes,
            ExpiresAt = request.ExpiresAt,
            AllowlistMode = request.AllowlistMode,
        }));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid, rule);
        refusal.Message.Should().Be($"{field}: {fault}");
        (await _keys.GetAsync(id)).Should().Be(before);
        (await _keys.AuditAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task Reports_all_faults_together_each_under_its_field()
    {
        NewApiKey faulty = New("", "10.0.0.0/8", "192.0.2.1", "localhost") with
        {
            Scopes = ["root", "governance:evaluate"],
            ExpiresAt = ManagedKeys.Start,
            IsBreakGlass = true,
        };
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.CreateAsync(faulty));

        refusal.Errors.Keys.Should().BeEquivalentTo("Name", "ExpiresAt", "AllowedIps[0]", "AllowedIps[2]", "Scopes[0]", "Scopes");
        refusal.Message.Split(Environment.NewLine).Should().HaveCount(6);
    }

    [Fact]
    public async Task Reports_a_hundred_faults_and_counts_the_rest()
    {
        ApiKeyManagementException all = await ManagedKeys.RefusedAsync(
            () => _keys.CreateAsync(New("name", [.. Enumerable.Repeat("x", 100)])));
        ApiKeyManagementException more = await ManagedKeys.RefusedAsync(
            () => _keys.CreateAsync(New("name", [.. Enumerable.Repeat("x", 103)])));

        all.Errors.Should().HaveCount(100).And.NotContainKey("(more)");
        more.Errors.Should().HaveCount(101);
        more.Errors["(more)"].Should().Equal("3 more faults");
    }

    [Theory]
    [MemberData(nameof(GoodNames))]
    public async Task Takes_names_of_1_to_100_characters(string name)
    {
        string id = (await _keys.CreateAsync(name)).Details.Key.Id;

        (await _keys.GetAsync(id)).Key.Name.Should().Be(name);
    }

    [Fact]
    public async Task Takes_a_list_of_a_thousand_entries_and_counts_two_spellings_of_an_address_once()
    {
        IssuedApiKey issued = await _keys.CreateAsync(New("name", [.. Addresses(997), "192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201"]));

        issued.Details.Key.AllowedIps.Count.Should().Be(998);
    }

    [Fact]
    public async Task Takes_at_most_as_many_entries_as_the_settings_say()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { MaxAddressesPerKey = 2 });
        string id = (await keys.CreateAsync(New("name", Addresses(2)))).Details.Key.Id;

        (await ManagedKeys.RefusedAsync(() => keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [.. Addresses(3)] })))
            .Message.Should().Be("AllowedIps: has 3 entries; at most 2 are allowed");
    }

    [Fact]
    public async Task Names_the_missing_value_if_a_caller_passes_null()
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => _keys.CreateAsync(new NewApiKey { AllowedIps = [], Name = null! }));

        refusal.Message.Should().Be("Name: must be 1 to 100 characters, and has 0");
    }

    [Theory]
    [InlineData("make-grid")]
    [InlineData("MAKE-grid")]
    public async Task Refuses_a_name_that_another_live_key_has(string name)
    {
        await _keys.CreateAsync("make-grid");
        string other = (await _keys.CreateAsync("other")).Details.Key.Id;
        string message = $"Another key is named '{name}'. Choose another name, or revoke that key first.";

        await ConflictAsync(() => _keys.CreateAsync(name), message);
        await ConflictAsync(() => _keys.UpdateAsync(other, new ApiKeyUpdate { Name = name }), message);

        (await _keys.ListAsync()).Select(key => key.Key.Name).Should().BeEquivalentTo("make-grid", "other");
        (await _keys.AuditAsync()).Should().HaveCount(2);
    }

    [Fact]
    public async Task Refuses_a_name_that_a_key_from_configuration_has()
    {
        Configure("configured");
        string other = (await _keys.CreateAsync("other")).Details.Key.Id;

        await ConflictAsync(
            () => _keys.CreateAsync("Configured"), "Another key is named 'Configured'. Choose another name, or revoke that key first.");
        await ConflictAsync(
            () => _keys.UpdateAsync(other, new ApiKeyUpdate { Name = "CONFIGURED" }),
            "Another key is named 'CONFIGURED'. Choose another name, or revoke that key first.");
    }

    [Fact]
    public async Task A_key_whose_name_came_to_configuration_later_can_still_be_changed()
    {
        string id = (await _keys.CreateAsync("shared")).Details.Key.Id;
        Configure("shared");

        (await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] })).Key.AllowedIps.Count.Should().Be(1);
    }

    [Fact]
    public async Task Frees_the_name_of_a_revoked_key_and_keeps_that_of_an_expired_one()
    {
        string revoked = (await _keys.CreateAsync("one")).Details.Key.Id;
        await _keys.CreateAsync(New("two") with { ExpiresAt = _keys.Now.AddHours(1) });
        await _keys.RevokeAsync(revoked);
        _keys.Time.Advance(TimeSpan.FromHours(2));

        await _keys.CreateAsync("ONE");
        await ConflictAsync(() => _keys.CreateAsync("two"), "Another key is named 'two'. Choose another name, or revoke that key first.");
    }

    [Fact]
    public async Task Updates_only_the_given_members()
    {
        IssuedApiKey issued = await _keys.CreateAsync(
            New("before", "192.0.2.1") with { Scopes = AllScopes, ExpiresAt = _keys.Now.AddDays(1) });
        ApiKeyDetails before = issued.Details;
        string id = before.Key.Id;
        _keys.Time.Advance(TimeSpan.FromMinutes(1));

        ApiKeyDetails renamed = await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "after" });
        renamed.Should().BeEquivalentTo(
            before with { Version = 2, Revision = 2, UpdatedAt = _keys.Now, Key = before.Key with { Name = "after" } });
        ApiKeyDetails listed = await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["2001:db8::1"] });
        listed.Key.Should().BeEquivalentTo(renamed.Key with { AllowedIps = IpAddressSet.Parse(["2001:db8::1"]) });
        ApiKeyDetails scoped = await _keys.UpdateAsync(id, new ApiKeyUpdate { Scopes = [] });
        scoped.Key.Should().BeEquivalentTo(listed.Key with { Scopes = [] });
        ApiKeyDetails prolonged = await _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddDays(2) });
        prolonged.Key.Should().BeEquivalentTo(scoped.Key with { ExpiresAt = _keys.Now.AddDays(2) });
        ApiKeyDetails endless = await _keys.UpdateAsync(id, new ApiKeyUpdate { RemoveExpiry = true });
        endless.Key.Should().BeEquivalentTo(prolonged.Key with { ExpiresAt = null });
        ApiKeyDetails open = await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [] });
        open.Key.AllowedIps.Count.Should().Be(0);

        open.Version.Should().Be(7);
        open.CreatedAt.Should().Be(ManagedKeys.Start);
        _keys.Find(issued.RawKey).Should().Be(open.Key);
    }

    [Fact]
    public async Task Refuses_to_set_and_to_remove_the_expiry_at_once()
    {
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;

        (await ManagedKeys.RefusedAsync(
            () => _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddDays(1), RemoveExpiry = true })))
            .Message.Should().Be("ExpiresAt: cannot be set and removed at once");
    }

    [Fact]
    public async Task Refuses_a_list_or_more_than_reading_for_a_break_glass_key_also_later()
    {
        string id = (await _keys.CreateAsync(New("glass") with { IsBreakGlass = true, Scopes = ["governance:read"] })).Details.Key.Id;

        (await ManagedKeys.RefusedAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"], Scopes = AllScopes })))
            .Errors.Keys.Should().BeEquivalentTo("AllowedIps", "Scopes");
        ApiKeyDetails updated = await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "glass 2", AllowedIps = [], Scopes = [] });
        updated.Key.IsBreakGlass.Should().BeTrue();
    }

    [Fact]
    public async Task A_break_glass_key_stays_one_when_it_is_rotated()
    {
        string id = (await _keys.CreateAsync(New("glass") with { IsBreakGlass = true })).Details.Key.Id;

        (await _keys.RotateAsync(id)).Details.Key.IsBreakGlass.Should().BeTrue();
    }

    [Fact]
    public async Task Refuses_every_change_at_a_stale_version_and_writes_nothing()
    {
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        ApiKeyDetails current = await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] });
        Func<Task>[] changes =
        [
            () => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.2"] }, 1),
            () => _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "" }, 1),
            () => _keys.RotateAsync(id, 24, 3),
            () => _keys.EndGraceAsync(id, 0),
            () => _keys.RevokeAsync(id, 1),
        ];

        foreach (Func<Task> change in changes)
        {
            ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(change);
            refusal.Fault.Should().Be(ApiKeyManagementFault.StaleVersion);
            refusal.Message.Should().Be(
                "The key was changed meanwhile and is at version 2 or later. Read it again, then repeat the change.");
        }

        (await _keys.GetAsync(id)).Should().Be(current);
        (await _keys.AuditAsync()).Should().HaveCount(2);
        (await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "at its version" }, 2)).Version.Should().Be(3);
    }

    [Fact]
    public async Task Knows_no_key_with_another_id()
    {
        await _keys.CreateAsync("name");
        Func<Task>[] calls =
        [
            () => _keys.GetAsync("key_unknown"),
            () => _keys.UpdateAsync("key_unknown", new ApiKeyUpdate { Name = "x" }),
            () => _keys.RotateAsync("key_unknown"),
            () => _keys.EndGraceAsync("key_unknown"),
            () => _keys.RevokeAsync("key_unknown"),
        ];

        foreach (Func<Task> call in calls)
        {
            ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(call);
            refusal.Fault.Should().Be(ApiKeyManagementFault.NotFound);
            refusal.Message.Should().Be("There is no key with this id.");
        }

        (await _keys.AuditAsync()).Should().ContainSingle();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(168)]
    public async Task Both_secrets_work_until_the_instant_at_which_the_grace_period_ends(int graceHours)
    {
        IssuedApiKey old = await _keys.CreateAsync(New("name", "203.0.113.7") with { Scopes = AllScopes });
        IssuedApiKey rotated = await _keys.RotateAsync(old.Details.Key.Id, graceHours);

        rotated.RawKey.Should().MatchRegex("^fb_live_[0-9a-f]{48}$").And.NotBe(old.RawKey);
        rotated.Details.Key.Should().BeEquivalentTo(
            new { old.Details.Key.Id, Name = "name", Scopes = AllScopes, Prefix = rotated.RawKey[..12] });
        rotated.Details.Key.Retiring.Should().BeEquivalentTo(new { Prefix = old.RawKey[..12], ExpiresAt = _keys.Now.AddHours(graceHours) });
        _keys.Find(old.RawKey).Should().BeSameAs(_keys.Find(rotated.RawKey), "one key has one list and one set of scopes");

        _keys.Time.Advance(TimeSpan.FromHours(graceHours) - TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeTrue();
        _keys.Accepts(rotated.RawKey).Should().BeTrue();

        _keys.Time.Advance(TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeFalse();
        _keys.Accepts(rotated.RawKey).Should().BeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(169)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public async Task Refuses_a_grace_period_that_is_not_1_to_168_hours(int graceHours)
    {
        IssuedApiKey issued = await _keys.CreateAsync("name");

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.RotateAsync(issued.Details.Key.Id, graceHours));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid);
        refusal.Message.Should().Be(string.Create(CultureInfo.InvariantCulture, $"GraceHours: must be 1 to 168, and is {graceHours}"));
        (await _keys.GetAsync(issued.Details.Key.Id)).Version.Should().Be(1);
    }

    [Fact]
    public async Task The_old_secret_never_outlives_the_key_itself()
    {
        IssuedApiKey old = await _keys.CreateAsync(New("name") with { ExpiresAt = _keys.Now.AddHours(2) });
        IssuedApiKey rotated = await _keys.RotateAsync(old.Details.Key.Id, 24);

        rotated.Details.Key.Retiring!.ExpiresAt.Should().Be(_keys.Now.AddHours(2));
        _keys.Time.Advance(TimeSpan.FromHours(2) - TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeTrue();
        _keys.Time.Advance(TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeFalse();
        _keys.Accepts(rotated.RawKey).Should().BeFalse();
    }

    [Fact]
    public async Task The_old_secret_ends_with_a_key_whose_expiry_is_brought_forward_during_the_grace_period()
    {
        IssuedApiKey old = await _keys.CreateAsync("name");
        await _keys.RotateAsync(old.Details.Key.Id, 24);
        await _keys.UpdateAsync(old.Details.Key.Id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });

        _keys.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeTrue();
        _keys.Time.Advance(TimeSpan.FromTicks(1));
        _keys.Accepts(old.RawKey).Should().BeFalse();
    }

    [Fact]
    public async Task A_later_expiry_does_not_prolong_the_grace_period()
    {
        IssuedApiKey old = await _keys.CreateAsync(New("name") with { ExpiresAt = _keys.Now.AddHours(2) });
        IssuedApiKey rotated = await _keys.RotateAsync(old.Details.Key.Id, 24);
        await _keys.UpdateAsync(old.Details.Key.Id, new ApiKeyUpdate { RemoveExpiry = true });

        _keys.Time.Advance(TimeSpan.FromHours(2));
        _keys.Accepts(old.RawKey).Should().BeFalse();
        _keys.Accepts(rotated.RawKey).Should().BeTrue();
    }

    [Fact]
    public async Task Cannot_be_rotated_again_until_the_grace_period_is_over()
    {
        IssuedApiKey first = await _keys.CreateAsync("name");
        string id = first.Details.Key.Id;
        IssuedApiKey second = await _keys.RotateAsync(id, 1);
        const string InGrace = "The key is in the grace period of a rotation until 2027-01-01 01:00:00Z. End it, or wait.";

        await ConflictAsync(() => _keys.RotateAsync(id), InGrace);
        _keys.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        await ConflictAsync(() => _keys.RotateAsync(id), InGrace);
        _keys.Time.Advance(TimeSpan.FromTicks(1));
        IssuedApiKey third = await _keys.RotateAsync(id);

        _keys.Find(first.RawKey).Should().BeNull("a key has two secrets at most");
        _keys.Accepts(second.RawKey).Should().BeTrue();
        _keys.Accepts(third.RawKey).Should().BeTrue();
        third.Details.Version.Should().Be(3);
    }

    [Fact]
    public async Task An_expired_key_cannot_be_rotated_until_its_expiry_is_later()
    {
        IssuedApiKey issued = await _keys.CreateAsync(New("name") with { ExpiresAt = _keys.Now.AddHours(1) });
        string id = issued.Details.Key.Id;
        _keys.Time.Advance(TimeSpan.FromHours(1));

        await ConflictAsync(() => _keys.RotateAsync(id), "The key is expired. Give it a later expiry before it is rotated.");
        await _keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });
        _keys.Accepts(issued.RawKey).Should().BeTrue();
        await _keys.RotateAsync(id);
    }

    [Fact]
    public async Task Ending_the_grace_period_stops_the_old_secret_at_once()
    {
        IssuedApiKey old = await _keys.CreateAsync("name");
        string id = old.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id);

        ApiKeyDetails ended = await _keys.EndGraceAsync(id, 2);

        ended.Version.Should().Be(3);
        ended.Key.Retiring.Should().BeNull();
        _keys.Find(old.RawKey).Should().BeNull();
        _keys.Accepts(rotated.RawKey).Should().BeTrue();
        await ConflictAsync(() => _keys.EndGraceAsync(id), "The key is not in the grace period of a rotation.");
        await _keys.RotateAsync(id);
    }

    [Fact]
    public async Task There_is_no_grace_period_to_end_before_a_rotation_or_after_the_end()
    {
        const string NotInGrace = "The key is not in the grace period of a rotation.";
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        await ConflictAsync(() => _keys.EndGraceAsync(id), NotInGrace);

        await _keys.RotateAsync(id, 1);
        _keys.Time.Advance(TimeSpan.FromHours(1));

        await ConflictAsync(() => _keys.EndGraceAsync(id), NotInGrace);
        (await _keys.GetAsync(id)).Version.Should().Be(2);
    }

    [Fact]
    public async Task Revoking_stops_every_secret_at_once_and_finally()
    {
        IssuedApiKey old = await _keys.CreateAsync("name");
        string id = old.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id);
        _keys.Time.Advance(TimeSpan.FromMinutes(1));

        ApiKeyDetails revoked = await _keys.RevokeAsync(id, 2);

        revoked.Should().BeEquivalentTo(new { Version = 3L, RevokedAt = _keys.Now, UpdatedAt = _keys.Now });
        revoked.StateAt(_keys.Now).Should().Be(ApiKeyState.Revoked);
        _keys.Accepts(old.RawKey).Should().BeFalse();
        _keys.Accepts(rotated.RawKey).Should().BeFalse();
        await ConflictAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "again" }), Revoked);
        await ConflictAsync(() => _keys.UpdateAsync(id, new ApiKeyUpdate()), Revoked);
        await ConflictAsync(() => _keys.RotateAsync(id), Revoked);
        await ConflictAsync(() => _keys.EndGraceAsync(id), Revoked);
        (await _keys.GetAsync(id)).Should().Be(revoked);
    }

    [Fact]
    public async Task Revoking_again_changes_nothing()
    {
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        ApiKeyDetails revoked = await _keys.RevokeAsync(id);
        int audited = (await _keys.AuditAsync()).Count;
        _keys.Time.Advance(TimeSpan.FromHours(1));

        (await _keys.RevokeAsync(id)).Should().Be(revoked);
        (await _keys.RevokeAsync(id, revoked.Version)).Should().Be(revoked);

        (await _keys.AuditAsync()).Should().HaveCount(audited);
    }

    [Fact]
    public async Task An_expired_key_can_be_revoked()
    {
        string id = (await _keys.CreateAsync(New("name") with { ExpiresAt = _keys.Now.AddHours(1) })).Details.Key.Id;
        _keys.Time.Advance(TimeSpan.FromHours(1));

        (await _keys.RevokeAsync(id)).StateAt(_keys.Now).Should().Be(ApiKeyState.Revoked);
    }

    [Fact]
    public async Task Keys_from_configuration_are_listed_and_refuse_every_change()
    {
        ApiKey configured = Configure("configured");
        Func<Task>[] changes =
        [
            () => _keys.UpdateAsync("configured", new ApiKeyUpdate { Name = "x" }),
            () => _keys.UpdateAsync("configured", new ApiKeyUpdate { Name = "x" }, 0),
            () => _keys.UpdateAsync("configured", new ApiKeyUpdate { Name = "x" }, 7),
            () => _keys.RotateAsync("configured"),
            () => _keys.EndGraceAsync("configured"),
            () => _keys.RevokeAsync("configured"),
        ];

        foreach (Func<Task> change in changes)
        {
            await ConflictAsync(change, ManagedKeys.FromConfiguration);
        }

        ApiKeyDetails details = (await _keys.ListAsync()).Should().ContainSingle().Which;
        details.Should().BeEquivalentTo(new { Version = 0L, Origin = ApiKeyOrigin.Configuration });
        details.Key.Should().BeSameAs(configured);
        details.CreatedAt.Should().BeNull();
        (await _keys.GetAsync("configured")).Should().Be(details);
        (await _keys.AuditAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Lists_both_origins_in_one_order_page_by_page()
    {
        foreach (string name in new[] { "zeta", "alpha", "key_", "key_f" })
        {
            Configure(name);
        }

        for (int number = 0; number < 5; number++)
        {
            await _keys.CreateAsync($"name {number}");
            _keys.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        var seen = new List<string>();
        for (IReadOnlyList<ApiKeyDetails> page = await _keys.ListAsync(limit: 2);
            page.Count > 0;
            page = await _keys.ListAsync(after: seen[^1], limit: 2))
        {
            page.Count.Should().BeLessThanOrEqualTo(2);
            seen.AddRange(page.Select(details => details.Key.Id));
        }

        seen.Should().HaveCount(9).And.OnlyHaveUniqueItems().And.BeInAscendingOrder(StringComparer.Ordinal);
        (await _keys.ListAsync()).Where(details => details.Origin == ApiKeyOrigin.Repository).Select(details => details.Key.Name)
            .Should().Equal(["name 0", "name 1", "name 2", "name 3", "name 4"], "ids sort by the time of creation");
    }

    [Fact]
    public async Task Lists_keys_of_one_state_at_the_instant_of_asking()
    {
        await _keys.CreateAsync("active");
        await _keys.CreateAsync(New("expiring") with { ExpiresAt = _keys.Now.AddHours(1) });
        await _keys.RevokeAsync((await _keys.CreateAsync(New("revoked") with { ExpiresAt = _keys.Now.AddHours(1) })).Details.Key.Id);
        _keys.Configure(new ApiKey
        {
            Id = "configured",
            Name = "configured",
            Hash = ApiKeyHash.Compute("c"),
            AllowedIps = IpAddressSet.Empty,
            ExpiresAt = _keys.Now.AddHours(1),
        });

        (await NamesAsync(ApiKeyState.Active)).Should().BeEquivalentTo("active", "expiring", "configured");
        (await NamesAsync(ApiKeyState.Expired)).Should().BeEmpty();
        _keys.Time.Advance(TimeSpan.FromHours(1));
        (await NamesAsync(ApiKeyState.Active)).Should().BeEquivalentTo("active");
        (await NamesAsync(ApiKeyState.Expired)).Should().BeEquivalentTo("expiring", "configured");
        (await NamesAsync(ApiKeyState.Revoked)).Should().BeEquivalentTo("revoked");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Refuses_to_list_fewer_than_one_key(int limit)
    {
        Func<Task> list = () => _keys.ListAsync(limit: limit);

        await list.Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Every_change_is_recorded_with_actor_address_and_changes()
    {
        IssuedApiKey issued = await _keys.CreateAsync(New("one", "192.0.2.1") with { Scopes = ["admin"] });
        string id = issued.Details.Key.Id;
        await _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.2"] });
        await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "two", Scopes = ["governance:read"], ExpiresAt = _keys.Now.AddDays(1) });
        await _keys.RotateAsync(id, 1);
        await _keys.EndGraceAsync(id);
        await _keys.RevokeAsync(id);
        await _keys.CreateAsync(New("glass") with { IsBreakGlass = true });

        AuditEntry[] entries = [.. (await _keys.AuditAsync()).Reverse()];

        entries.Select(entry => entry.Action).Should().Equal(
            AuditAction.Create, AuditAction.Update, AuditAction.Update, AuditAction.Rotate, AuditAction.EndGrace, AuditAction.Revoke,
            AuditAction.Create);
        entries.Should().OnlyContain(entry => entry.Actor == ManagedKeys.Actor && entry.At == _keys.Now && entry.Count == 1);
        entries.Take(6).Should().OnlyContain(entry => entry.KeyId == id);
        entries.Select(entry => entry.KeyName).Should().Equal("one", "one", "two", "two", "two", "two", "glass");
        entries[0].OldAllowedIps.Should().BeNull();
        entries[0].NewAllowedIps.Should().Equal("192.0.2.1");
        entries[1].OldAllowedIps.Should().Equal("192.0.2.1");
        entries[1].NewAllowedIps.Should().Equal("192.0.2.2");
        entries[1].Detail.Should().BeNull();
        entries[2].OldAllowedIps.Should().BeNull("the change did not touch the list");
        entries[2].Detail.Should().BeNull();
        entries[2].Changes.Should().Equal(
            new AuditChange { Field = "name", Old = "one", New = "two" },
            new AuditChange { Field = "scopes", Old = "admin", New = "governance:read" },
            new AuditChange { Field = "expires_at", Old = null, New = "2027-01-02T00:00:00Z" });
        entries[0].Changes.Should().Equal(
            new AuditChange { Field = "scopes", Old = null, New = "admin" },
            new AuditChange { Field = "allowlist_mode", Old = null, New = "enforce" });
        entries.Where((_, index) => index is 1 or 3 or 4 or 5).Should().OnlyContain(entry => entry.Changes.Count == 0);
        entries[3].Detail.Should().Be("the old secret works until 2027-01-01 01:00:00Z");
        entries[4].Detail.Should().Be($"the old secret {issued.RawKey[..12]} stopped working");
        entries[6].Detail.Should().Be("a break-glass key");
        entries.Select(entry => entry.Id).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_change_without_a_version_is_applied_to_what_somebody_else_left_meanwhile()
    {
        var busy = new BusyRepository(_keys.Repository);
        ApiKeyManager manager = _keys.CreateManager(busy);
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        busy.BeforeCommit = () => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] });

        ApiKeyDetails updated = (await manager.UpdateAsync(
            id, new ApiKeyUpdate { Name = "renamed" }, null, ManagedKeys.Actor, TestContext.Current.CancellationToken)).Details;

        updated.Should().BeEquivalentTo(new { Version = 3L });
        updated.Key.Name.Should().Be("renamed");
        updated.Key.AllowedIps.Count.Should().Be(1, "the other's change is kept");
        (await _keys.AuditAsync()).Should().HaveCount(3, "an attempt that lost is not on record");
    }

    [Fact]
    public async Task A_change_that_meets_a_revocation_half_way_is_refused()
    {
        var busy = new BusyRepository(_keys.Repository);
        ApiKeyManager manager = _keys.CreateManager(busy);
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        busy.BeforeCommit = () => _keys.RevokeAsync(id);

        await ConflictAsync(() => manager.RotateAsync(id, 24, null, ManagedKeys.Actor, TestContext.Current.CancellationToken), Revoked);

        (await _keys.GetAsync(id)).Should().BeEquivalentTo(new { Version = 2L });
        (await _keys.AuditAsync()).Should().HaveCount(2);
    }

    [Fact]
    public async Task A_change_at_a_version_that_goes_stale_half_way_is_refused()
    {
        var busy = new BusyRepository(_keys.Repository);
        ApiKeyManager manager = _keys.CreateManager(busy);
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        busy.BeforeCommit = () => _keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] });

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => manager.UpdateAsync(
            id, new ApiKeyUpdate { AllowedIps = ["192.0.2.2"] }, 1, ManagedKeys.Actor, TestContext.Current.CancellationToken));

        refusal.Fault.Should().Be(ApiKeyManagementFault.StaleVersion);
        refusal.Message.Should().Be("The key was changed meanwhile and is at version 2 or later. Read it again, then repeat the change.");
        (await _keys.GetAsync(id)).Key.AllowedIps.Count.Should().Be(1);
    }

    [Fact]
    public async Task A_name_taken_half_way_is_refused()
    {
        var busy = new BusyRepository(_keys.Repository);
        ApiKeyManager manager = _keys.CreateManager(busy);
        busy.BeforeCommit = () => _keys.CreateAsync("NAME");

        await ConflictAsync(
            () => manager.CreateAsync(New("name"), ManagedKeys.Actor, TestContext.Current.CancellationToken),
            "Another key is named 'name'. Choose another name, or revoke that key first.");

        (await _keys.ListAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task Nothing_is_changed_when_the_repository_fails()
    {
        var busy = new BusyRepository(_keys.Repository) { BeforeCommit = () => throw new IOException("the database is away") };
        ApiKeyManager manager = _keys.CreateManager(busy);

        Func<Task> create = () => manager.CreateAsync(New("name"), ManagedKeys.Actor, TestContext.Current.CancellationToken);

        await create.Should().ThrowAsync<IOException>();
        await _keys.ShouldBeEmptyAsync();
    }

    [Fact]
    public async Task Nothing_is_changed_when_the_call_is_cancelled()
    {
        var cancelled = new CancellationToken(canceled: true);
        string id = (await _keys.CreateAsync("name")).Details.Key.Id;
        Func<Task>[] changes =
        [
            () => _keys.Manager.CreateAsync(New("other"), ManagedKeys.Actor, cancelled),
            () => _keys.Manager.UpdateAsync(id, new ApiKeyUpdate { Name = "other" }, null, ManagedKeys.Actor, cancelled),
            () => _keys.Manager.RotateAsync(id, 24, null, ManagedKeys.Actor, cancelled),
            () => _keys.Manager.RevokeAsync(id, null, ManagedKeys.Actor, cancellationToken: cancelled),
        ];

        foreach (Func<Task> change in changes)
        {
            await change.Should().ThrowAsync<OperationCanceledException>();
        }

        (await _keys.ListAsync()).Should().ContainSingle().Which.Version.Should().Be(1);
        (await _keys.AuditAsync()).Should().ContainSingle();
    }

    private static NewApiKey New(string name, params string[] allowedIps) => new() { Name = name, AllowedIps = [.. allowedIps] };

    private static string[] Addresses(int count) => [.. Enumerable.Range(1, count).Select(number => $"2001:db8::{number:x}")];

    private static async Task ConflictAsync(Func<Task> change, string message)
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(change);
        refusal.Fault.Should().Be(ApiKeyManagementFault.Conflict);
        refusal.Message.Should().Be(message);
        refusal.Errors.Should().BeEmpty();
    }

    private ApiKey Configure(string name)
    {
        var key = new ApiKey { Id = name, Name = name, Hash = ApiKeyHash.Compute($"raw {name}"), AllowedIps = IpAddressSet.Empty };
        _keys.Configure(key);
        return key;
    }

    private async Task<string[]> NamesAsync(ApiKeyState state) => [.. (await _keys.ListAsync(state)).Select(details => details.Key.Name)];

    /// <summary>A repository with one concurrent change between a read and the commit after it.</summary>
    private sealed class BusyRepository(IApiKeyRepository repository) : IApiKeyRepository
    {
        public Func<Task>? BeforeCommit { get; set; }

        public async ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
        {
            if (BeforeCommit is { } other)
            {
                BeforeCommit = null;
                await other();
            }

            return await repository.CommitAsync(change, cancellationToken);
        }

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) =>
            repository.GetAsync(id, cancellationToken);

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            repository.ListAsync(query, now, cancellationToken);

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            repository.CountAsync(query, now, cancellationToken);
    }

    [Fact]
    public async Task Refuses_a_new_key_without_a_list_which_is_no_empty_list()
    {
        var keys = new ManagedKeys();

        (await ManagedKeys.RefusedAsync(() => keys.CreateAsync(new NewApiKey { Name = "name", AllowedIps = null! })))
            .Errors.Should().ContainKey(nameof(NewApiKey.AllowedIps)).WhoseValue.Should().Equal(
                "is missing; write the allowed addresses, or [] to turn the check off for this key");

        await keys.ShouldBeEmptyAsync();
        IssuedApiKey glass = await keys.CreateAsync(new NewApiKey { Name = "glass", AllowedIps = null!, IsBreakGlass = true });
        glass.Details.Key.AllowedIps.Count.Should().Be(0);
    }
}
