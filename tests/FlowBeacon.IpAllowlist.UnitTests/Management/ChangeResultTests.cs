using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The revision and the warnings that the manager returns for a change; and ids that a caller chooses.</summary>
public sealed class ChangeResultTests
{
    private readonly ManagedKeys _keys = new();

    private ApiKeyManager Manager => _keys.Manager;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Invalid ids, and why they might be sent.</summary>
    public static TheoryData<string, string> BadIds => new()
    {
        { "empty", "" },
        { "a name", "make-grid" },
        { "a route", "audit" },
        { "upper case", "key_0123456789ABCDEF0123456789ABCDEF" },
        { "upper-case prefix", "KEY_0123456789abcdef0123456789abcdef" },
        { "no prefix", "0123456789abcdef0123456789abcdef" },
        { "too short", "key_0123456789abcdef0123456789abcde" },
        { "too long", "key_0123456789abcdef0123456789abcdef0" },
        { "hyphens", "key_01234567-89ab-cdef-0123-456789abcdef" },
        { "space behind", "key_0123456789abcdef0123456789abcdef " },
        { "line break behind", "key_0123456789abcdef0123456789abcdef\n" },
        { "full-width digit", "key_0123456789abcdef0123456789abcde\uFF11" },
        { "a raw key", TestKeys.Unknown },
    };

    [Fact]
    public async Task Every_change_tells_the_revision_that_makes_it_so()
    {
        IssuedApiKey created = await _keys.CreateAsync("one");
        string id = created.Details.Key.Id;
        IssuedApiKey rotated = await _keys.RotateAsync(id);
        ChangedApiKey ended = await Manager.EndGraceAsync(id, null, ManagedKeys.Actor, cancellationToken: Cancellation);
        IssuedApiKey other = await _keys.CreateAsync("other", "203.0.113.7");
        ChangedApiKey updated = await Manager.UpdateAsync(id, new ApiKeyUpdate { Name = "two" }, null, ManagedKeys.Actor, Cancellation);
        _keys.Deny(other.Details.Key.Id, IPAddress.Parse("198.51.100.9"));
        ChangedApiKey recovered = await Manager.RecoverAsync(
            other.Details.Key.Id, IPAddress.Parse("198.51.100.9"), null, ManagedKeys.Actor, Cancellation);
        ChangedApiKey revoked = await Manager.RevokeAsync(id, null, ManagedKeys.Actor, cancellationToken: Cancellation);

        new[]
        {
            created.Revision, rotated.Revision, ended.Revision, other.Revision, updated.Revision, recovered.Revision, revoked.Revision,
        }.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        (await _keys.GetAsync(id)).Should().Be(revoked.Details).And.BeEquivalentTo(new { revoked.Revision });
        (await _keys.GetAsync(other.Details.Key.Id)).Revision.Should().Be(recovered.Revision);
    }

    [Fact]
    public async Task A_change_that_changes_nothing_tells_the_revision_that_made_the_key_what_it_is()
    {
        string id = (await _keys.CreateAsync("one")).Details.Key.Id;
        ChangedApiKey updated = await Manager.UpdateAsync(id, new ApiKeyUpdate { Name = "two" }, null, ManagedKeys.Actor, Cancellation);
        await _keys.CreateAsync("other");
        ChangedApiKey again = await Manager.UpdateAsync(id, new ApiKeyUpdate { Name = "two" }, null, ManagedKeys.Actor, Cancellation);
        ChangedApiKey revoked = await Manager.RevokeAsync(id, null, ManagedKeys.Actor, cancellationToken: Cancellation);
        await _keys.CreateAsync("another");
        ChangedApiKey revokedAgain = await Manager.RevokeAsync(id, null, ManagedKeys.Actor, cancellationToken: Cancellation);

        again.Revision.Should().Be(updated.Revision);
        revokedAgain.Revision.Should().Be(revoked.Revision);
    }

    [Fact]
    public async Task A_key_from_configuration_has_no_revision()
    {
        _keys.Configure(new ApiKey { Id = "configured", Hash = ApiKeyHash.Compute("raw"), AllowedIps = IpAddressSet.Empty });

        (await _keys.GetAsync("configured")).Revision.Should().Be(0);
    }

    [Fact]
    public async Task Warnings_have_a_kind_and_the_entry_concerned()
    {
        NewApiKey request = new()
        {
            Name = "one",
            AllowedIps = ["8.8.8.8", "224.0.0.1", "10.0.0.1"],
            ExpiresAt = _keys.Now.AddHours(24),
            ProxyAddress = IPAddress.Parse("::ffff:10.0.0.1"),
        };
        ApiKeyWarning[] expected =
        [
            new()
            {
                Kind = ApiKeyWarningKind.OwnProxy,
                Entry = "10.0.0.1",
                Message = "10.0.0.1 is where this request connected from, with an X-Forwarded-For header: it looks like your own proxy,"
                    + " and if it is ever taken for the client, everybody behind it is",
            },
            new()
            {
                Kind = ApiKeyWarningKind.NeverAClient,
                Entry = "224.0.0.1",
                Message = "224.0.0.1 is a multicast address; no client ever comes from it",
            },
            new()
            {
                Kind = ApiKeyWarningKind.ExpiresSoon,
                Message = "the key stops working at 2027-01-02 00:00:00Z, within 24 hours; the lock-out guard does not look at expiries",
            },
        ];

        IssuedApiKey created = await _keys.CreateAsync(request with { Scopes = ["admin"] });
        ChangedApiKey updated = await Manager.UpdateAsync(
            created.Details.Key.Id,
            new ApiKeyUpdate { Scopes = [], ExpiresAt = request.ExpiresAt, ProxyAddress = request.ProxyAddress },
            null, ManagedKeys.Actor, Cancellation);

        created.Warnings.Should().Equal(expected);
        updated.Warnings.Should().HaveCount(4).And.StartWith(expected);
        updated.Warnings[^1].Kind.Should().Be(ApiKeyWarningKind.NoScopesLeft);
        updated.Warnings[^1].Entry.Should().BeNull();
    }

    [Theory]
    [InlineData(ClientIpSource.ForwardedForFirst, "10.0.0.1", true)]
    [InlineData(ClientIpSource.ForwardedForFirst, "10.0.0.2", false)]
    [InlineData(ClientIpSource.ForwardedForFirst, null, false)]
    [InlineData(ClientIpSource.PeerAddress, "10.0.0.1", false)]
    public async Task The_proxy_is_warned_of_where_headers_name_the_client(ClientIpSource source, string? proxy, bool warns)
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { ClientIpSource = source });

        IssuedApiKey created = await keys.CreateAsync(
            new NewApiKey { Name = "one", AllowedIps = ["10.0.0.1"], ProxyAddress = proxy is null ? null : IPAddress.Parse(proxy) });

        created.Warnings.Select(warning => warning.Kind).Should().Equal(warns ? [ApiKeyWarningKind.OwnProxy] : []);
    }

    [Fact]
    public async Task A_change_without_doubtful_values_has_no_warning()
    {
        IssuedApiKey created = await _keys.CreateAsync(
            new NewApiKey { Name = "one", AllowedIps = ["8.8.8.8"], ExpiresAt = _keys.Now.AddHours(24).AddTicks(1) });

        created.Warnings.Should().BeEmpty();
        (await _keys.RotateAsync(created.Details.Key.Id)).Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Takes_the_id_that_a_caller_chose()
    {
        string id = Manager.NewId();

        IssuedApiKey created = await _keys.CreateAsync(new NewApiKey { Id = id, Name = "one", AllowedIps = [] });

        id.Should().MatchRegex("^key_[0-9a-f]{32}$");
        created.Details.Key.Id.Should().Be(id);
        (await _keys.GetAsync(id)).Should().Be(created.Details);
    }

    [Fact]
    public async Task A_repeated_creation_with_a_chosen_id_conflicts_and_leaves_the_first_key_as_it_is()
    {
        var request = new NewApiKey { Id = Manager.NewId(), Name = "one", AllowedIps = [] };
        IssuedApiKey first = await _keys.CreateAsync(request);

        foreach (NewApiKey again in new[] { request, request with { Name = "two" } })
        {
            ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => _keys.CreateAsync(again));
            refusal.Fault.Should().Be(ApiKeyManagementFault.Conflict);
            refusal.Message.Should().Be("A key with this id already exists.");
        }

        (await _keys.ListAsync()).Should().Equal(first.Details);
        (await _keys.AuditAsync()).Should().ContainSingle();
        _keys.Accepts(first.RawKey).Should().BeTrue();
    }

    [Fact]
    public async Task The_id_of_a_revoked_key_stays_taken()
    {
        var request = new NewApiKey { Id = Manager.NewId(), Name = "one", AllowedIps = [] };
        await _keys.CreateAsync(request);
        await _keys.RevokeAsync(request.Id);

        (await ManagedKeys.RefusedAsync(() => _keys.CreateAsync(request))).Fault.Should().Be(ApiKeyManagementFault.Conflict);
    }

    [Theory]
    [MemberData(nameof(BadIds))]
    public async Task Refuses_an_invalid_id_without_repeating_it(string rule, string id)
    {
        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => _keys.CreateAsync(new NewApiKey { Id = id, Name = "one", AllowedIps = [] }));

        refusal.Fault.Should().Be(ApiKeyManagementFault.Invalid, rule);
        refusal.Errors.Should().ContainSingle().Which.Should().BeEquivalentTo(
            new KeyValuePair<string, string[]>("Id", ["must be key_ and 32 lowercase hex digits, such as those of a UUID"]));
        await _keys.ShouldBeEmptyAsync();
    }

    [Fact]
    public void The_longest_list_is_the_configured_one() =>
        new ManagedKeys(new IpAllowlistOptions { MaxAddressesPerKey = 7 }).Manager.MaxAddressesPerKey.Should().Be(7);
}
