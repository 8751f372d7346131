using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>
/// What every <see cref="IApiKeyRepository"/> does, and the <see cref="IAuditLog"/> beside it: written once, run against each of them by a
/// class that derives from this one, or from <see cref="ApiKeyRepositoryOverLogContract"/>.
/// </summary>
public abstract class ApiKeyRepositoryContract
{
    private protected static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ApiKeyActor Actor = new() { Kind = ApiKeyActorKind.User, Id = "ada", Address = "203.0.113.1" };

    /// <summary>A repository without keys.</summary>
    protected abstract IApiKeyRepository Repository { get; }

    /// <summary>The audit log that the repository's changes are recorded in, without entries.</summary>
    protected abstract IAuditLog Audit { get; }

    /// <summary>Makes a key's stored list one that cannot be read.</summary>
    protected abstract Task SpoilListAsync(string id);

    public static TheoryData<ApiKeyConflict> Conflicts => [.. Enum.GetValues<ApiKeyConflict>()];

    [Fact]
    public async Task Gives_a_key_back_whole()
    {
        var key = new ApiKeyDetails
        {
            Key = new ApiKey
            {
                Id = "key_1",
                Name = "make-grid",
                Hash = ApiKeyHash.Compute("new"),
                Prefix = "fb_live_2222",
                AllowedIps = Entries(
                    ("203.0.113.7", null), ("198.51.100.0/28", Now), ("2001:db8::/64", null), ("192.0.2.1", Now.AddDays(1))),
                Scopes = [ApiKeyScopes.GovernanceRead, ApiKeyScopes.Admin],
                ExpiresAt = Now.AddDays(30).AddTicks(10),
                AllowlistMode = AllowlistMode.ReportOnly,
                IsDisabled = true,
                Retiring = new RetiringSecret { Hash = ApiKeyHash.Compute("old"), Prefix = "fb_live_1111", ExpiresAt = Now.AddHours(24) },
            },
            Description = "Berlin office, Schlüssel 7",
            Entries =
            [
                new AllowlistEntryDetails { Ip = "192.0.2.1", Note = "Recovery", AddedAt = Now, IsFromRecovery = true },
                new AllowlistEntryDetails { Ip = "2001:db8::/64", Note = "Büro, Zone b" },
            ],
            Version = 1,
            CreatedAt = Now,
            CreatedBy = new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = "ada", Address = "192.0.2.100" },
            UpdatedAt = Now.AddSeconds(1),
            RecoveredAt = Now.AddSeconds(2),
        };
        var glass = new ApiKeyDetails
        {
            Key = new ApiKey
            {
                Id = "key_2",
                Name = "glass",
                Hash = ApiKeyHash.Compute("glass"),
                AllowedIps = IpAddressSet.Empty,
                IsBreakGlass = true,
                IsRevoked = true,
            },
            Version = 1,
            CreatedAt = Now,
            UpdatedAt = Now.AddSeconds(3),
            RevokedAt = Now.AddSeconds(3),
        };

        long revision = await CommitAsync(New(key), New(glass));

        key = key with { Revision = revision };
        glass = glass with { Revision = revision };
        (await GetAsync("key_1")).Should().BeEquivalentTo(key, Strictly);
        (await GetAsync("key_2")).Should().BeEquivalentTo(glass, Strictly);
        (await ListAsync()).Should().BeEquivalentTo([key, glass], options => Strictly(options).WithStrictOrdering());
    }

    [Fact]
    public async Task Has_no_key_it_was_not_given()
    {
        await CommitAsync(New(Key("key_1", "one")));

        (await GetAsync("key_2")).Should().BeNull();
        (await GetAsync("KEY_1")).Should().BeNull("ids are compared with case");
        (await FindByNameAsync("two")).Should().BeNull();
        (await FindByNameAsync("")).Should().BeNull();
    }

    [Fact]
    public async Task Replaces_a_key_that_is_at_the_expected_version()
    {
        ApiKeyDetails first = Key("key_1", "one");
        await CommitAsync(New(first));
        ApiKeyDetails second = first with { Version = 2, Key = first.Key with { AllowedIps = IpAddressSet.Parse(["192.0.2.9"]) } };

        long revision = await CommitAsync(Changed(second));

        (await GetAsync("key_1")).Should().BeEquivalentTo(second with { Revision = revision }, Strictly);
        (await ListAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task Replaces_everything_of_a_key_that_can_change()
    {
        ApiKeyDetails first = Key("key_1", "one");
        await CommitAsync(New(first));
        ApiKeyDetails second = first with
        {
            Key = first.Key with
            {
                Name = "two",
                Hash = ApiKeyHash.Compute("second"),
                Prefix = "fb_live_2222",
                AllowedIps = Entries(("192.0.2.1", Now), ("2001:db8::/64", null)),
                AllowlistMode = AllowlistMode.ReportOnly,
                Scopes = [ApiKeyScopes.GovernanceEvaluate],
                ExpiresAt = Now.AddDays(1),
                IsDisabled = true,
                Retiring = new RetiringSecret { Hash = ApiKeyHash.Compute("first"), Prefix = "fb_live_1111", ExpiresAt = Now.AddHours(2) },
            },
            Description = "changed",
            Entries = [new AllowlistEntryDetails { Ip = "192.0.2.1", Note = "noted", AddedAt = Now }],
            Version = 2,
            UpdatedAt = Now.AddSeconds(1),
            RecoveredAt = Now.AddSeconds(2),
        };

        second = second with { Revision = await CommitAsync(Changed(second)) };
        (await GetAsync("key_1")).Should().BeEquivalentTo(second, Strictly);
        (await ListAsync()).Should().ContainSingle().Which.Should().BeEquivalentTo(second, Strictly);

        ApiKeyDetails third = first with { Version = 3 };
        third = third with { Revision = await CommitAsync(Changed(third)) };
        (await GetAsync("key_1")).Should().BeEquivalentTo(third, Strictly);
        (await ListAsync()).Should().ContainSingle().Which.Should().BeEquivalentTo(third, Strictly);
    }

    [Fact]
    public async Task Answers_every_commit_with_a_greater_revision()
    {
        var revisions = new List<long>();
        for (int number = 1; number <= 5; number++)
        {
            revisions.Add(await CommitAsync(New(Key($"key_{number}", $"name {number}"))));
            await RefusedAsync(ApiKeyConflict.NameTaken, New(Key($"key_{number}0", $"name {number}")));
        }

        revisions.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Tells_of_each_key_the_revision_of_the_commit_that_last_wrote_it()
    {
        ApiKeyDetails claimed = Key("key_1", "one") with { Revision = 4711 };
        long first = await CommitAsync(New(claimed), New(Key("key_2", "two")));
        long second = await CommitAsync(Changed(Key("key_2", "second") with { Version = 2 }));
        await RefusedAsync(ApiKeyConflict.StaleVersion, Changed(Key("key_1", "other") with { Version = 3 }));

        second.Should().BeGreaterThan(first);
        (await GetAsync("key_1"))!.Revision.Should().Be(first);
        (await GetAsync("key_2"))!.Revision.Should().Be(second);
        (await ListAsync()).Select(key => key.Revision).Should().Equal(first, second);
    }

    [Fact]
    public async Task Reports_an_existing_key_before_other_conflicts()
    {
        ApiKeyDetails key = Key("key_1", "one");
        await CommitAsync(New(key));

        await RefusedAsync(ApiKeyConflict.StaleVersion, New(key));
        await RefusedAsync(ApiKeyConflict.StaleVersion, New(Key("key_1", "two")));

        (await ListAsync()).Should().ContainSingle().Which.Key.Name.Should().Be("one");
    }

    [Fact]
    public async Task Keeps_a_list_that_it_could_not_read_when_the_rest_of_the_key_is_written()
    {
        ApiKeyDetails listed = Key("key_1", "one");
        await CommitAsync(New(listed with { Key = listed.Key with { AllowedIps = IpAddressSet.Parse(["203.0.113.7"]) } }));
        await SpoilListAsync("key_1");
        ApiKeyDetails read = (await GetAsync("key_1"))!;
        read.Key.AllowedIps.IsUnreadable.Should().BeTrue();

        await CommitAsync(Changed(read with { Version = read.Version + 1, Key = read.Key with { Name = "renamed" } }));

        ApiKeyDetails renamed = (await GetAsync("key_1"))!;
        renamed.Key.Name.Should().Be("renamed");
        renamed.Key.AllowedIps.IsUnreadable.Should().BeTrue("it never becomes an empty list, which admits everybody");
        (await ListAsync()).Should().ContainSingle().Which.Key.AllowedIps.IsUnreadable.Should().BeTrue();
    }

    [Theory]
    [InlineData("203.0.113.9")]
    [InlineData]
    public async Task Replaces_a_list_that_it_could_not_read_by_one_that_it_is_given(params string[] list)
    {
        await CommitAsync(New(Key("key_1", "one")));
        await SpoilListAsync("key_1");
        ApiKeyDetails read = (await GetAsync("key_1"))!;

        await CommitAsync(Changed(
            read with { Version = read.Version + 1, Key = read.Key with { AllowedIps = IpAddressSet.Parse(list) } }));

        (await GetAsync("key_1"))!.Key.AllowedIps.Should().Be(IpAddressSet.Parse(list));
    }

    [Fact]
    public async Task Refuses_a_new_key_whose_list_cannot_be_read()
    {
        ApiKeyDetails key = Key("key_1", "one");

        Func<Task> commit = Committing(Change([New(key with { Key = key.Key with { AllowedIps = IpAddressSet.Unreadable } })], []));

        await commit.Should().ThrowAsync<ArgumentException>();
        (await GetAsync("key_1")).Should().BeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Refuses_a_key_that_is_at_another_version(long expectedVersion)
    {
        ApiKeyDetails key = Key("key_1", "one");
        await CommitAsync(New(key));
        await CommitAsync(Changed(key with { Version = 2 }));

        await RefusedAsync(ApiKeyConflict.StaleVersion, Write(key with { Version = expectedVersion + 1 }, expectedVersion));

        (await GetAsync("key_1"))!.Version.Should().Be(2);
    }

    [Fact]
    public async Task Refuses_a_change_of_a_key_that_does_not_exist()
    {
        await RefusedAsync(ApiKeyConflict.StaleVersion, Write(Key("key_1", "one") with { Version = 2 }, 1));

        (await GetAsync("key_1")).Should().BeNull();
    }

    [Theory]
    [InlineData("make-grid")]
    [InlineData("Make-GRID")]
    public async Task Refuses_the_name_of_a_live_key_in_any_case(string name)
    {
        await CommitAsync(New(Key("key_1", "make-grid")), New(Key("key_2", "other")));

        await RefusedAsync(ApiKeyConflict.NameTaken, New(Key("key_3", name)));
        await RefusedAsync(ApiKeyConflict.NameTaken, Changed(Key("key_2", name) with { Version = 2 }));

        (await FindByNameAsync(name))!.Key.Id.Should().Be("key_1");
    }

    [Fact]
    public async Task Refuses_two_new_keys_of_one_name_in_one_change()
    {
        await RefusedAsync(ApiKeyConflict.NameTaken, New(Key("key_1", "one")), New(Key("key_2", "ONE")));

        (await ListAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Lets_a_key_change_the_case_of_its_name()
    {
        await CommitAsync(New(Key("key_1", "make-grid")));

        await CommitAsync(Changed(Key("key_1", "Make-Grid") with { Version = 2 }));

        (await FindByNameAsync("MAKE-GRID"))!.Key.Name.Should().Be("Make-Grid");
    }

    [Fact]
    public async Task Refuses_the_name_of_a_live_key_in_another_case_of_other_letters()
    {
        await CommitAsync(New(Key("key_1", "Ärzte")));

        await RefusedAsync(ApiKeyConflict.NameTaken, New(Key("key_2", "ärzte")));
    }

    [Fact]
    public async Task Keeps_the_name_of_a_disabled_key()
    {
        ApiKeyDetails disabled = Key("key_1", "one");
        await CommitAsync(New(disabled with { Key = disabled.Key with { IsDisabled = true } }));

        await RefusedAsync(ApiKeyConflict.NameTaken, New(Key("key_2", "one")));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_1");
    }

    [Fact]
    public async Task Keeps_the_name_of_an_expired_key()
    {
        ApiKeyDetails expired = Key("key_1", "one");
        await CommitAsync(New(expired with { Key = expired.Key with { ExpiresAt = DateTimeOffset.UnixEpoch } }));

        await RefusedAsync(ApiKeyConflict.NameTaken, New(Key("key_2", "one")));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_1");
    }

    [Fact]
    public async Task Frees_the_name_of_a_revoked_key_and_of_a_renamed_one()
    {
        await CommitAsync(New(Key("key_1", "one")), New(Key("key_2", "two")));
        await CommitAsync(Changed(Revoked(Key("key_1", "one")) with { Version = 2 }), Changed(Key("key_2", "second") with { Version = 2 }));

        (await FindByNameAsync("one")).Should().BeNull();
        (await FindByNameAsync("two")).Should().BeNull();
        (await GetAsync("key_1"))!.Key.IsRevoked.Should().BeTrue();

        await CommitAsync(New(Key("key_3", "ONE")), New(Key("key_4", "two")));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_3");
        (await FindByNameAsync("two"))!.Key.Id.Should().Be("key_4");
    }

    [Fact]
    public async Task Leaves_the_new_owner_of_a_name_alone_when_the_revoked_one_is_written_again()
    {
        await CommitAsync(New(Key("key_1", "one")));
        await CommitAsync(Changed(Revoked(Key("key_1", "one")) with { Version = 2 }));
        await CommitAsync(New(Key("key_2", "one")));

        await CommitAsync(Changed(Revoked(Key("key_1", "one")) with { Version = 3 }));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_2");
    }

    [Fact]
    public async Task Swaps_two_names_and_hands_one_on_within_a_change()
    {
        await CommitAsync(New(Key("key_1", "one")), New(Key("key_2", "two")));

        await CommitAsync(Changed(Key("key_1", "two") with { Version = 2 }), Changed(Key("key_2", "one") with { Version = 2 }));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_2");
        (await FindByNameAsync("two"))!.Key.Id.Should().Be("key_1");

        await CommitAsync(New(Key("key_3", "one")), Changed(Revoked(Key("key_2", "one")) with { Version = 3 }));

        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_3");
    }

    [Fact]
    public async Task Refuses_a_secret_of_another_key_whether_it_is_current_or_retiring()
    {
        await CommitAsync(New(WithSecrets("key_1", "current", "retiring")));

        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "current", null)));
        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "retiring", null)));
        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "other", "current")));
        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "other", "retiring")));
        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "same", null)), New(WithSecrets("key_3", "same", null)));

        (await ListAsync()).Should().ContainSingle();
        await CommitAsync(New(WithSecrets("key_2", "other", "older")));
    }

    [Fact]
    public async Task Keeps_the_secret_of_a_revoked_key_taken()
    {
        ApiKeyDetails key = WithSecrets("key_1", "current", null);
        await CommitAsync(New(key));
        await CommitAsync(Changed(Revoked(key) with { Version = 2 }));

        await RefusedAsync(ApiKeyConflict.HashTaken, New(WithSecrets("key_2", "current", null)));
    }

    [Theory]
    [MemberData(nameof(Conflicts))]
    public async Task Writes_nothing_if_one_key_of_a_change_is_refused(ApiKeyConflict conflict)
    {
        ApiKeyDetails taken = Key("key_1", "one");
        await CommitAsync(New(taken));
        ApiKeyDetails[] before = [.. await ListAsync()];

        await Committing(Spoilt(conflict)).Should().ThrowAsync<ApiKeyConflictException>();

        (await ListAsync()).Should().BeEquivalentTo(before, options => Strictly(options).WithStrictOrdering());
        (await FindByNameAsync("good")).Should().BeNull();
        (await FindByNameAsync("renamed")).Should().BeNull();
        (await FindByNameAsync("one"))!.Key.Id.Should().Be("key_1");
        (await ReadAsync()).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Conflicts))]
    public async Task Names_the_key_that_is_refused_and_why(ApiKeyConflict conflict)
    {
        await CommitAsync(New(Key("key_1", "one")));

        ApiKeyConflictException refusal = (await Committing(Spoilt(conflict)).Should().ThrowAsync<ApiKeyConflictException>()).Which;

        refusal.Conflict.Should().Be(conflict);
        refusal.KeyId.Should().Be("key_bad");
        refusal.Message.Should().Be($"The change of the API key 'key_bad' conflicts with another: {conflict}.");
    }

    [Fact]
    public async Task Writes_nothing_of_a_change_with_the_same_key_twice()
    {
        Func<Task> commit = Committing(Change([New(Key("key_1", "one")), New(Key("key_1", "two"))], [Entry("audit_1", "key_1")]));

        await commit.Should().ThrowAsync<Exception>();

        (await ListAsync()).Should().BeEmpty();
        (await FindByNameAsync("one")).Should().BeNull();
        (await FindByNameAsync("two")).Should().BeNull();
        (await ReadAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Writes_nothing_of_a_change_whose_audit_entries_cannot_be_written()
    {
        Func<Task> commit = Committing(Change([New(Key("key_1", "one"))], [Entry("audit_1", "key_1"), null!]));

        await commit.Should().ThrowAsync<Exception>();

        (await GetAsync("key_1")).Should().BeNull();
        (await ReadAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Writes_nothing_if_already_cancelled()
    {
        Func<Task> commit = async () =>
            await Repository.CommitAsync(
                Change([New(Key("key_1", "one"))], [Entry("audit_1", "key_1")]), new CancellationToken(canceled: true));

        await commit.Should().ThrowAsync<OperationCanceledException>();

        (await ListAsync()).Should().BeEmpty();
        (await ReadAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Lets_one_of_many_writers_at_the_same_version_win()
    {
        await CommitAsync(New(Key("key_1", "one")));
        int won = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            try
            {
                ApiKeyDetails mine = Key("key_1", $"writer {writer}") with { Version = 2 };
                await Repository.CommitAsync(
                    Change([Changed(mine)], [Entry($"audit_{writer}", "key_1")]), CancellationToken.None);
                Interlocked.Increment(ref won);
            }
            catch (ApiKeyConflictException refusal) when (refusal.Conflict == ApiKeyConflict.StaleVersion)
            {
                // Another writer was faster.
            }
        })));

        won.Should().Be(1);
        ApiKeyDetails key = (await GetAsync("key_1"))!;
        key.Version.Should().Be(2);
        (await FindByNameAsync(key.Key.Name))!.Key.Id.Should().Be("key_1");
        (await ReadAsync()).Should().ContainSingle().Which.Id.Should().Be(
            $"audit_{key.Key.Name["writer ".Length..]}", "only the winner's change is on record");
    }

    [Fact]
    public async Task Lists_keys_in_the_ordinal_order_of_their_ids()
    {
        string[] ids = ["key_b", "key_B", "key_a", "key_10", "key_9", "Key_z", "key-x"];
        foreach ((int number, string id) in ids.Index())
        {
            await CommitAsync(New(Key(id, $"name {number}")));
        }

        (await ListAsync()).Select(key => key.Key.Id).Should().Equal(ids.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Pages_through_keys_without_a_gap_or_a_repetition()
    {
        string[] ids = [.. Enumerable.Range(0, 7).Select(number => $"key_{number}")];
        await CommitAsync([.. ids.Reverse().Select(id => New(Key(id, id)))]);

        var seen = new List<string>();
        for (IReadOnlyList<ApiKeyDetails> page = await ListAsync(limit: 3);
            page.Count > 0;
            page = await ListAsync(after: seen[^1], limit: 3))
        {
            page.Count.Should().BeLessThanOrEqualTo(3);
            seen.AddRange(page.Select(key => key.Key.Id));
        }

        seen.Should().Equal(ids);
        (await ListAsync(after: "key_25")).Select(key => key.Key.Id)
            .Should().Equal(["key_3", "key_4", "key_5", "key_6"], "a cursor need not be a key");
        (await ListAsync(after: "z")).Should().BeEmpty();
    }

    [Fact]
    public async Task Filters_by_the_state_at_the_instant_asked_for_before_it_counts_the_limit()
    {
        await CommitAsync(
            New(Revoked(Expiring("key_1", Now.AddHours(-1)))),
            New(Expiring("key_2", Now)),
            New(Expiring("key_3", Now.AddTicks(10))),
            New(Key("key_4", "never")),
            New(Revoked(Key("key_5", "revoked"))),
            New(Expiring("key_6", Now.AddHours(-1))),
            New(Disabled(Key("key_7", "disabled"))),
            New(Disabled(Expiring("key_8", Now.AddHours(-1)))),
            New(Revoked(Disabled(Key("key_9", "disabled and revoked")))));

        (await ListAsync(ApiKeyState.Active)).Select(key => key.Key.Id).Should().Equal("key_3", "key_4");
        (await ListAsync(ApiKeyState.Expired)).Select(key => key.Key.Id).Should().Equal("key_2", "key_6");
        (await ListAsync(ApiKeyState.Revoked)).Select(key => key.Key.Id).Should().Equal("key_1", "key_5", "key_9");
        (await ListAsync(ApiKeyState.Disabled)).Select(key => key.Key.Id).Should().Equal("key_7", "key_8");
        (await ListAsync(ApiKeyState.Revoked, after: "key_1", limit: 1)).Select(key => key.Key.Id).Should().Equal("key_5");
        (await ListAsync(ApiKeyState.Active, now: Now.AddTicks(10))).Select(key => key.Key.Id).Should().Equal("key_4");
    }

    [Fact]
    public async Task Filters_by_a_part_of_the_name_in_any_case()
    {
        await CommitAsync(
            New(Key("key_1", "make-grid")),
            New(Key("key_2", "Grid of Ärzte")),
            New(Key("key_3", "100%_grid")),
            New(Key("key_4", "other")));

        (await IdsAsync(new ApiKeyQuery { NameContains = "GRID" })).Should().Equal("key_1", "key_2", "key_3");
        (await IdsAsync(new ApiKeyQuery { NameContains = "make-grid" })).Should().Equal("key_1");
        (await IdsAsync(new ApiKeyQuery { NameContains = "ärzte" })).Should().Equal("key_2");
        (await IdsAsync(new ApiKeyQuery { NameContains = "%_" })).Should().Equal(["key_3"], "nothing is a wildcard");
        (await IdsAsync(new ApiKeyQuery { NameContains = "k%d" })).Should().BeEmpty();
        (await IdsAsync(new ApiKeyQuery { NameContains = "grid", After = "key_1", Limit = 1 })).Should().Equal("key_2");
    }

    [Fact]
    public async Task Filters_by_the_prefix_of_either_secret()
    {
        await CommitAsync(
            New(WithPrefixes("key_1", "fb_live_aaaa", null)),
            New(WithPrefixes("key_2", "fb_live_aaab", "fb_live_cccc")),
            New(WithPrefixes("key_3", "fb_live_bbbb", "fb_live_aaaa")));

        (await IdsAsync(new ApiKeyQuery { Prefix = "fb_live_aaaa" })).Should().Equal("key_1", "key_3");
        (await IdsAsync(new ApiKeyQuery { Prefix = "fb_live_aaa" })).Should().Equal("key_1", "key_2", "key_3");
        (await IdsAsync(new ApiKeyQuery { Prefix = "fb_live_cccc" })).Should().Equal("key_2");
        (await IdsAsync(new ApiKeyQuery { Prefix = "FB_LIVE_AAAA" })).Should().BeEmpty("prefixes are compared with case");
        (await IdsAsync(new ApiKeyQuery { Prefix = "live" })).Should().BeEmpty();
        (await IdsAsync(new ApiKeyQuery { Prefix = "fb%live%" })).Should().BeEmpty("nothing is a wildcard");
        (await IdsAsync(new ApiKeyQuery { Prefix = "fb_live_aaaa", NameContains = "key_3" })).Should().Equal("key_3");
    }

    [Fact]
    public async Task Counts_keys_by_their_states_and_by_name_and_prefix_alone()
    {
        await CommitAsync(
            New(Revoked(Expiring("key_1", Now.AddHours(-1)))),
            New(Expiring("key_2", Now)),
            New(Expiring("key_3", Now.AddTicks(10))),
            New(Key("key_4", "never")),
            New(WithPrefixes("key_5", "fb_live_aaaa", null)),
            New(Disabled(Key("key_6", "disabled"))),
            New(Disabled(Expiring("key_7", Now))),
            New(Revoked(Disabled(Key("key_8", "both")))));

        (await CountAsync(new ApiKeyQuery())).Should().Be(Counts(3, 1, 2, 2));
        (await CountAsync(new ApiKeyQuery { State = ApiKeyState.Active, After = "key_4", Limit = 1 })).Should().Be(Counts(3, 1, 2, 2));
        (await CountAsync(new ApiKeyQuery(), Now.AddTicks(10))).Should().Be(Counts(2, 2, 2, 2));
        (await CountAsync(new ApiKeyQuery { NameContains = "NAME OF" })).Should().Be(Counts(2, 1, 1, 1));
        (await CountAsync(new ApiKeyQuery { Prefix = "fb_live_a" })).Should().Be(Counts(1, 0, 0, 0));
        (await CountAsync(new ApiKeyQuery { NameContains = "nothing" })).Should().Be(Counts(0, 0, 0, 0));

        static ApiKeyCounts Counts(long active, long expired, long disabled, long revoked) =>
            new() { Active = active, Expired = expired, Disabled = disabled, Revoked = revoked };
    }

    [Fact]
    public async Task Records_the_audit_entries_of_a_change_whole_and_the_newest_first()
    {
        AuditEntry whole = Entry("audit_1", "key_1") with
        {
            Action = AuditAction.Update,
            KeyName = "one",
            OldAllowedIps = ["192.0.2.1"],
            NewAllowedIps = [],
            Changes =
            [
                new AuditChange { Field = "name", Old = "zero; \"new\":\"x\"", New = "one" },
                new AuditChange { Field = "expires_at", Old = null, New = "2027-01-02T00:00:00Z" },
            ],
            Detail = "the stored list could not be read",
        };
        await Repository.CommitAsync(
            Change([New(Key("key_1", "one"))], [whole, Entry("audit_2", "key_1")]), TestContext.Current.CancellationToken);
        await Repository.CommitAsync(
            Change([New(Key("key_2", "two"))], [Entry("audit_3", "key_2")]), TestContext.Current.CancellationToken);

        IReadOnlyList<AuditEntry> entries = await ReadAsync();

        entries.Select(entry => entry.Id).Should().Equal("audit_3", "audit_2", "audit_1");
        entries[^1].Should().BeEquivalentTo(whole with { Position = entries[^1].Position });
    }

    [Fact]
    public async Task Reads_appended_and_committed_entries()
    {
        await AppendAsync(Entry("audit_1", null) with
        {
            Action = AuditAction.Refused,
            Actor = new ApiKeyActor { Kind = ApiKeyActorKind.Anonymous, Id = "anonymous" },
        });
        await Repository.CommitAsync(Change([], [Entry("audit_2", "key_1")]), TestContext.Current.CancellationToken);
        await AppendAsync(Entry("audit_3", "key_1") with { Action = AuditAction.BreakGlassUse });

        (await ReadAsync()).Select(entry => entry.Id).Should().Equal("audit_3", "audit_2", "audit_1");
        (await ReadAsync("key_1")).Select(entry => entry.Id).Should().Equal("audit_3", "audit_2");
        (await ReadAsync("key_2")).Should().BeEmpty();
    }

    [Fact]
    public async Task Replaces_an_audit_entry_that_is_appended_again_and_leaves_it_in_its_place()
    {
        AuditEntry throttled = Entry("audit_1", null) with { Action = AuditAction.Refused };
        await AppendAsync(throttled);
        await AppendAsync(Entry("audit_2", null) with { Action = AuditAction.Refused });

        await AppendAsync(throttled with { Count = 42 });

        (await ReadAsync()).Select(entry => (entry.Id, entry.Count)).Should().Equal(("audit_2", 1), ("audit_1", 42));
    }

    [Fact]
    public async Task Pages_through_the_audit_log_without_a_gap_or_a_repetition()
    {
        for (int number = 0; number < 7; number++)
        {
            AuditAction action = number % 2 == 0 ? AuditAction.Create : AuditAction.Refused;
            await AppendAsync(Entry($"audit_{number}", number % 3 == 0 ? "key_1" : "key_2") with { Action = action });
        }

        var seen = new List<AuditEntry>();
        string? ofAudit5 = null;
        AuditPage page;
        string? after = null;
        do
        {
            page = await ReadPageAsync(after: after, limit: 2);
            page.Entries.Count.Should().BeInRange(1, 2);
            seen.AddRange(page.Entries);
            after = page.Next;
            ofAudit5 ??= after;
        }
        while (after is not null);

        seen.Select(entry => entry.Id).Should().Equal(Enumerable.Range(0, 7).Reverse().Select(number => $"audit_{number}"));
        seen.Should().OnlyContain(entry => entry.Position > 0).And.BeInDescendingOrder(entry => entry.Position);
        AuditPage ofKey = await ReadPageAsync("key_1", after: ofAudit5);
        ofKey.Entries.Select(entry => entry.Id).Should().Equal("audit_3", "audit_0");
        ofKey.Next.Should().BeNull();
        (await ReadPageAsync(limit: 7)).Next.Should().BeNull("a page that ends with the last entry is the last page");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("no cursor")]
    public async Task A_cursor_of_the_audit_log_that_is_not_from_an_earlier_page_is_refused(string cursor) =>
        await this.Invoking(contract => contract.ReadPageAsync(after: cursor)).Should().ThrowAsync<FormatException>();

    protected static ApiKeyDetails Key(string id, string name) => new()
    {
        Key = new ApiKey
        {
            Id = id,
            Name = name,
            Hash = ApiKeyHash.Compute($"secret of {id}"),
            Prefix = "fb_live_0000",
            AllowedIps = IpAddressSet.Empty,
        },
        Version = 1,
        CreatedAt = Now,
        UpdatedAt = Now,
    };

    protected static ApiKeyWrite New(ApiKeyDetails key) => Write(key, expectedVersion: 0);

    protected static ApiKeyWrite Changed(ApiKeyDetails key) => Write(key, key.Version - 1);

    protected static ApiKeyChange Change(IReadOnlyList<ApiKeyWrite> keys, IReadOnlyList<AuditEntry> audit) =>
        new() { Keys = keys, Audit = audit };

    private static ApiKeyWrite Write(ApiKeyDetails key, long expectedVersion) => new() { Details = key, ExpectedVersion = expectedVersion };

    private protected static ApiKeyDetails Revoked(ApiKeyDetails key) =>
        key with { Key = key.Key with { IsRevoked = true }, RevokedAt = Now };

    private static ApiKeyDetails Disabled(ApiKeyDetails key) => key with { Key = key.Key with { IsDisabled = true } };

    private static ApiKeyDetails Expiring(string id, DateTimeOffset expiresAt)
    {
        ApiKeyDetails key = Key(id, $"name of {id}");
        return key with { Key = key.Key with { ExpiresAt = expiresAt } };
    }

    private static ApiKeyDetails WithSecrets(string id, string current, string? retiring)
    {
        ApiKeyDetails key = Key(id, $"name of {id}");
        return key with
        {
            Key = key.Key with
            {
                Hash = ApiKeyHash.Compute(current),
                Retiring = retiring is null
                    ? null
                    : new RetiringSecret { Hash = ApiKeyHash.Compute(retiring), Prefix = "fb_live_1111", ExpiresAt = Now.AddHours(1) },
            },
        };
    }

    private static ApiKeyDetails WithPrefixes(string id, string current, string? retiring)
    {
        ApiKeyDetails key = WithSecrets(id, $"current of {id}", retiring is null ? null : $"retiring of {id}");
        return key with
        {
            Key = key.Key with { Prefix = current, Retiring = retiring is null ? null : key.Key.Retiring! with { Prefix = retiring } },
        };
    }

    private protected static AuditEntry Entry(string id, string? keyId) =>
        new() { Id = id, At = Now, Action = AuditAction.Create, Actor = Actor, KeyId = keyId };

    /// <summary>A list with ranges and expiries, past ones included.</summary>
    private static IpAddressSet Entries(params (string Text, DateTimeOffset? ExpiresAt)[] entries) => IpAddressSet.ReadStored(
        entries.Select(entry => new IpAllowlistEntry { Text = entry.Text, ExpiresAt = entry.ExpiresAt }), out _);

    /// <summary>A good new key, a good change of the key "key_1" and, between them, a key that cannot be written beside "key_1".</summary>
    private static ApiKeyChange Spoilt(ApiKeyConflict conflict)
    {
        ApiKeyDetails bad = Key("key_bad", "bad");
        ApiKeyWrite refused = conflict switch
        {
            ApiKeyConflict.StaleVersion => Write(bad with { Version = 2 }, 1),
            ApiKeyConflict.NameTaken => New(Key("key_bad", "GOOD")),
            ApiKeyConflict.HashTaken => New(bad with { Key = bad.Key with { Hash = ApiKeyHash.Compute("secret of key_good") } }),
            _ => throw new ArgumentOutOfRangeException(nameof(conflict)),
        };
        return Change(
            [New(Key("key_good", "good")), refused, Changed(Key("key_1", "renamed") with { Version = 2 })],
            [Entry("audit_1", "key_good"), Entry("audit_2", "key_bad"), Entry("audit_3", "key_1")]);
    }

    private static FluentAssertions.Equivalency.EquivalencyAssertionOptions<ApiKeyDetails> Strictly(
        FluentAssertions.Equivalency.EquivalencyAssertionOptions<ApiKeyDetails> options) =>
        options.ComparingByValue<ApiKeyHash>().ComparingByValue<IpAddressSet>().ComparingByMembers<ApiKey>()
            .ComparingByMembers<ApiKeyDetails>();

    private async Task<long> CommitAsync(params ApiKeyWrite[] keys) =>
        await Repository.CommitAsync(Change(keys, []), TestContext.Current.CancellationToken);

    private Func<Task> Committing(ApiKeyChange change) =>
        async () => await Repository.CommitAsync(change, TestContext.Current.CancellationToken);

    private async Task RefusedAsync(ApiKeyConflict conflict, params ApiKeyWrite[] keys) =>
        (await Committing(Change(keys, [])).Should().ThrowAsync<ApiKeyConflictException>()).Which.Conflict.Should().Be(conflict);

    private async Task<ApiKeyDetails?> GetAsync(string id) => await Repository.GetAsync(id, TestContext.Current.CancellationToken);

    /// <summary>The key that has a name, in any case, and is not revoked.</summary>
    private async Task<ApiKeyDetails?> FindByNameAsync(string name) => (await ListAsync())
        .SingleOrDefault(key => !key.Key.IsRevoked && key.Key.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private Task<IReadOnlyList<ApiKeyDetails>> ListAsync(
        ApiKeyState? state = null, string? after = null, int limit = 100, DateTimeOffset? now = null) =>
        ListAsync(new ApiKeyQuery { State = state, After = after, Limit = limit }, now);

    private async Task<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyQuery query, DateTimeOffset? now = null) =>
        await Repository.ListAsync(query, now ?? Now, TestContext.Current.CancellationToken);

    private async Task<string[]> IdsAsync(ApiKeyQuery query) => [.. (await ListAsync(query)).Select(key => key.Key.Id)];

    private async Task<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset? now = null) =>
        await Repository.CountAsync(query, now ?? Now, TestContext.Current.CancellationToken);

    private async Task AppendAsync(AuditEntry entry) => await Audit.AppendAsync(entry, TestContext.Current.CancellationToken);

    private async Task<IReadOnlyList<AuditEntry>> ReadAsync(string? keyId = null) => (await ReadPageAsync(keyId)).Entries;

    private async Task<AuditPage> ReadPageAsync(string? keyId = null, string? after = null, int limit = 100) =>
        await Audit.ReadAsync(new AuditQuery { KeyId = keyId, After = after, Limit = limit }, TestContext.Current.CancellationToken);
}
