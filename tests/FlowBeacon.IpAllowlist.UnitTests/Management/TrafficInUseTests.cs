using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The manager judges by the traffic that is registered, and changes nothing if it cannot be read.</summary>
public sealed class TrafficInUseTests
{
    private const string Listed = "203.0.113.7";

    private readonly ManagedKeys _keys = new();
    private readonly ScriptedTraffic _traffic = new();
    private readonly ApiKeyManager _manager;

    public TrafficInUseTests() => _manager = _keys.CreateManager(_keys.Repository, _traffic);

    [Theory]
    [InlineData("198.51.100.9", true)]
    [InlineData("2001:DB8:0::9", true)]
    [InlineData(Listed, false)]
    [InlineData("::ffff:203.0.113.7", false)]
    public async Task An_edit_is_refused_for_a_source_that_it_cuts_off(string clientIp, bool isRefused)
    {
        string id = await CreateAsync();
        _traffic.Sources = Seen(clientIp);

        if (isRefused)
        {
            ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => NarrowAsync(id));
            refusal.LockoutRisk!.Sources.Should().ContainSingle().Which.ClientIp.Should().Be(clientIp);
            refusal.Message.Should().Contain(nameof(ApiKeyUpdate.AcceptLockoutRisk));
            (await _keys.GetAsync(id)).Version.Should().Be(1);
        }
        else
        {
            (await NarrowAsync(id)).Version.Should().Be(2);
        }
    }

    [Fact]
    public async Task An_edit_is_refused_for_uses_without_an_address_that_it_cuts_off()
    {
        string id = (await _keys.CreateAsync("no-list")).Details.Key.Id;
        _traffic.Sources = Seen(null);

        (await ManagedKeys.RefusedAsync(() => NarrowAsync(id))).LockoutRisk!.Sources.Should().ContainSingle()
            .Which.ClientIp.Should().BeNull();
        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Theory]
    [InlineData("198.51.100.0/24")]
    [InlineData("010.0.0.1")]
    [InlineData("unknown")]
    [InlineData("")]
    public async Task An_edit_is_not_made_if_the_traffic_names_a_source_that_is_no_address(string clientIp)
    {
        string id = await CreateAsync();
        _traffic.Sources = Seen(clientIp);

        await _manager.Invoking(_ => NarrowAsync(id)).Should().ThrowAsync<InvalidOperationException>().WithMessage("*IApiKeyTraffic*");

        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task Sources_that_left_within_24_hours_are_a_risk(int secondsEarlier, bool isRefused)
    {
        string id = await CreateAsync();
        _traffic.Sources = Seen(Listed) with { EvictedUntil = _keys.Now.AddHours(-24).AddSeconds(-secondsEarlier) };

        if (isRefused)
        {
            (await ManagedKeys.RefusedAsync(() => NarrowAsync(id))).LockoutRisk!.AreOlderEvicted.Should().BeTrue();
        }
        else
        {
            (await NarrowAsync(id)).Version.Should().Be(2);
        }
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.ThrowsAtOnce)]
    [InlineData(Outage.Hangs)]
    [InlineData(Outage.HangsWhateverIsCancelled)]
    public async Task An_edit_that_the_guard_must_judge_is_not_made_while_the_traffic_cannot_be_read(Outage outage)
    {
        string id = await CreateAsync();
        _traffic.Outage = outage;

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => InTimeAsync(NarrowAsync(id)));

        refusal.Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        refusal.Message.Should().Contain(nameof(ApiKeyUpdate.AcceptLockoutRisk));
        refusal.InnerException.Should().NotBeNull();
        (await _keys.GetAsync(id)).Version.Should().Be(1);
        (await _keys.AuditAsync(id)).Should().ContainSingle("nothing but the creation");
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.Hangs)]
    public async Task An_edit_whose_risk_is_accepted_is_made_while_the_traffic_cannot_be_read(Outage outage)
    {
        string id = await CreateAsync();
        _traffic.Outage = outage;

        await InTimeAsync(UpdateAsync(id, [Listed], acceptLockoutRisk: true));

        (await _keys.GetAsync(id)).Key.AllowedIps.ToCanonicalStrings().Should().Equal(Listed);
        (await _keys.AuditAsync(id))[0].Detail.Should().Be("lockout risk accepted for sources that could not be read");
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.Hangs)]
    public async Task A_key_is_not_disabled_while_the_traffic_cannot_be_read_unless_the_risk_is_accepted(Outage outage)
    {
        string id = await CreateAsync();
        _traffic.Outage = outage;
        var disable = new ApiKeyUpdate { Enabled = false };

        (await ManagedKeys.RefusedAsync(() => InTimeAsync(ChangeAsync(disable))))
            .Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        (await _keys.GetAsync(id)).Version.Should().Be(1);

        await InTimeAsync(ChangeAsync(disable with { AcceptLockoutRisk = true }));
        (await _keys.GetAsync(id)).Key.IsDisabled.Should().BeTrue();
        await ChangeAsync(new ApiKeyUpdate { Enabled = true });
        (await _keys.GetAsync(id)).Key.IsDisabled.Should().BeFalse("enabling asks nobody");

        Task ChangeAsync(ApiKeyUpdate update) =>
            _manager.UpdateAsync(id, update, null, ManagedKeys.Actor, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.ThrowsAtOnce)]
    [InlineData(Outage.Hangs)]
    public async Task A_grace_period_is_not_ended_while_the_traffic_cannot_be_read_unless_the_risk_is_accepted(Outage outage)
    {
        string id = await CreateAsync();
        await _keys.RotateAsync(id);
        _traffic.Outage = outage;
        CancellationToken token = TestContext.Current.CancellationToken;

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => InTimeAsync(_manager.EndGraceAsync(id, null, ManagedKeys.Actor, cancellationToken: token)));
        refusal.Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        refusal.Message.Should().Contain("whether the old secret is still used").And.Contain("acceptLockoutRisk: true");
        (await ManagedKeys.RefusedAsync(() => InTimeAsync(_manager.PreviewEndGraceAsync(id, null, token))))
            .Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        (await _keys.GetAsync(id)).Version.Should().Be(2);

        await InTimeAsync(_manager.EndGraceAsync(id, null, ManagedKeys.Actor, acceptLockoutRisk: true, token));
        (await _keys.GetAsync(id)).Key.Retiring.Should().BeNull();
        (await _keys.AuditAsync(id))[0].Detail.Should().EndWith("; lockout risk accepted for uses of it that could not be read");
    }

    [Fact]
    public async Task Edits_without_risk_are_made_while_the_traffic_cannot_be_read()
    {
        string id = await CreateAsync();
        _traffic.Outage = Outage.Throws;
        await ManagedKeys.RefusedAsync(() => NarrowAsync(id));

        (await UpdateAsync(id, [])).Version.Should().Be(2);
    }

    [Fact]
    public async Task Other_changes_do_not_wait_for_the_traffic_of_one()
    {
        string id = await CreateAsync();
        string other = (await _keys.CreateAsync("other")).Details.Key.Id;
        _traffic.Outage = Outage.Hangs;
        Task waiting = NarrowAsync(id);

        CancellationToken token = TestContext.Current.CancellationToken;
        await _manager.UpdateAsync(other, new ApiKeyUpdate { Name = "renamed" }, null, ManagedKeys.Actor, token);
        await _manager.RevokeAsync(other, null, ManagedKeys.Actor, cancellationToken: token);

        waiting.IsCompleted.Should().BeFalse();
        await ManagedKeys.RefusedAsync(() => InTimeAsync(waiting));
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.Hangs)]
    public async Task Previews_say_that_the_traffic_cannot_be_read(Outage outage)
    {
        string id = await CreateAsync();
        _traffic.Outage = outage;
        var update = new ApiKeyUpdate { AllowedIps = [Listed] };
        CancellationToken token = TestContext.Current.CancellationToken;

        (await ManagedKeys.RefusedAsync(() => InTimeAsync(_manager.PreviewUpdateAsync(id, update, null, token))))
            .Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        (await ManagedKeys.RefusedAsync(() => InTimeAsync(_manager.PreviewRevokeAsync(id, null, token))))
            .Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_recovery_asks_whether_the_key_was_denied_from_the_callers_address_within_an_hour(bool wasDenied)
    {
        string id = await CreateAsync();
        _traffic.WasDenied = (keyId, address, since) =>
            wasDenied && (keyId, address.ToString(), since) == (id, "198.51.100.10", _keys.Now.AddHours(-1));

        if (wasDenied)
        {
            (await RecoverAsync(id)).Version.Should().Be(2);
        }
        else
        {
            await ManagedKeys.RefusedAsync(() => RecoverAsync(id));
        }
    }

    [Fact]
    public async Task Revoking_a_key_puts_a_source_at_risk_only_until_its_entry_expires()
    {
        string id = await CreateAsync();
        ApiKeyDetails read = await _keys.GetAsync(id);
        var expiring = new ApiKeyWrite
        {
            Details = read with
            {
                Key = read.Key with
                {
                    AllowedIps = IpAddressSet.ReadStored(
                        [new IpAllowlistEntry { Text = Listed, ExpiresAt = _keys.Now.AddHours(1) }], out _),
                },
                Version = 2,
            },
            ExpectedVersion = 1,
        };
        await _keys.Repository.CommitAsync(new ApiKeyChange { Keys = [expiring], Audit = [] }, TestContext.Current.CancellationToken);
        _traffic.Sources = Seen(Listed);
        (await _manager.PreviewRevokeAsync(id, null, TestContext.Current.CancellationToken)).LockoutRisk.Should().NotBeNull();

        _keys.Time.Advance(TimeSpan.FromHours(1));

        (await _manager.PreviewRevokeAsync(id, null, TestContext.Current.CancellationToken)).LockoutRisk.Should().BeNull();
    }

    [Fact]
    public async Task Revoking_a_key_that_denies_every_address_has_no_risk()
    {
        string id = await CreateAsync();
        ApiKeyDetails read = await _keys.GetAsync(id);
        var unreadable = new ApiKeyWrite
        {
            Details = read with { Key = read.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 },
            ExpectedVersion = 1,
        };
        await _keys.Repository.CommitAsync(
            new ApiKeyChange { Keys = [unreadable], Audit = [] }, TestContext.Current.CancellationToken);
        _traffic.Sources = Seen(Listed) with { EvictedUntil = _keys.Now };

        (await _manager.PreviewRevokeAsync(id, null, TestContext.Current.CancellationToken)).LockoutRisk.Should().BeNull();
    }

    [Theory]
    [InlineData(Outage.Throws)]
    [InlineData(Outage.Hangs)]
    public async Task A_recovery_is_not_made_while_the_traffic_cannot_be_read(Outage outage)
    {
        string id = await CreateAsync();
        _traffic.Outage = outage;

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(() => InTimeAsync(RecoverAsync(id)));

        refusal.Fault.Should().Be(ApiKeyManagementFault.TrafficUnavailable);
        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    [Fact]
    public async Task A_recovery_that_shows_the_key_does_not_ask_the_traffic()
    {
        IssuedApiKey key = await _keys.CreateAsync("make-grid", Listed);
        _traffic.Outage = Outage.Throws;

        await RecoverAsync(key.Details.Key.Id, ApiKeyHash.Compute(key.RawKey));

        (await _keys.GetAsync(key.Details.Key.Id)).Version.Should().Be(2);
    }

    [Fact]
    public async Task Cancellation_does_not_wait_for_the_traffic()
    {
        string id = await CreateAsync();
        using var cancel = new CancellationTokenSource();
        _traffic.Outage = Outage.HangsWhateverIsCancelled;

        Task edit = _manager.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [Listed] }, null, ManagedKeys.Actor, cancel.Token);
        await cancel.CancelAsync();

        await _manager.Invoking(_ => edit).Should().ThrowAsync<OperationCanceledException>();
        (await _keys.GetAsync(id)).Version.Should().Be(1);
    }

    private async Task<string> CreateAsync() =>
        (await _keys.CreateAsync("make-grid", Listed, "198.51.100.9", "2001:db8::9")).Details.Key.Id;

    private Task<ApiKeyDetails> NarrowAsync(string id) => UpdateAsync(id, [Listed]);

    private async Task<ApiKeyDetails> UpdateAsync(string id, string[] allowedIps, bool acceptLockoutRisk = false) =>
        (await _manager.UpdateAsync(
            id,
            new ApiKeyUpdate
            {
                AllowedIps = [.. allowedIps],
                AllowlistMode = AllowlistMode.Enforce,
                AcceptLockoutRisk = acceptLockoutRisk,
            },
            null, ManagedKeys.Actor, TestContext.Current.CancellationToken)).Details;

    private async Task<ApiKeyDetails> RecoverAsync(string id, ApiKeyHash? presented = null) => (await _manager.RecoverAsync(
        id, IPAddress.Parse("::ffff:198.51.100.10"), presented, ManagedKeys.Actor, TestContext.Current.CancellationToken)).Details;

    /// <summary>Lets the time for an answer pass until the operation ends.</summary>
    private async Task InTimeAsync(Task operation)
    {
        while (!operation.IsCompleted)
        {
            _keys.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await operation;
    }

    /// <summary>One source; without an address it is one of uses that had none.</summary>
    private ApiKeySources Seen(string? clientIp)
    {
        var source = new SourceSeen
        {
            ClientIp = clientIp,
            ClientIpOrigin = clientIp is null ? ClientIpOrigin.None : ClientIpOrigin.Peer,
            FirstSeen = _keys.Now,
            LastSeen = _keys.Now,
            Count = 1,
        };
        return new ApiKeySources
        {
            Sources = clientIp is null ? [] : [source],
            WithoutAddress = clientIp is null ? source : null,
            WatchingSince = _keys.Now,
        };
    }

    /// <summary>Traffic that returns what a test sets.</summary>
    private sealed class ScriptedTraffic : IApiKeyTraffic
    {
        public ApiKeySources? Sources { get; set; }

        public Func<string, IPAddress, DateTimeOffset, bool> WasDenied { get; set; } = (_, _, _) => false;

        public Outage Outage { get; set; }

        public ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken) =>
            Answer(() => Sources!, cancellationToken);

        public ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
            IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken) =>
            Answer<IReadOnlyDictionary<string, SourceSeen>>(() => new Dictionary<string, SourceSeen>(), cancellationToken);

        public ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
            IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken) =>
            Answer<IReadOnlyDictionary<ApiKeyHash, SecretUse>>(() => new Dictionary<ApiKeyHash, SecretUse>(), cancellationToken);

        public ValueTask<bool> WasDeniedAsync(
            string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken) =>
            Answer(() => WasDenied(keyId, clientIp, since), cancellationToken);

        private ValueTask<T> Answer<T>(Func<T> answer, CancellationToken cancellationToken) => Outage == Outage.ThrowsAtOnce
            ? throw new InvalidOperationException("The database is not configured.")
            : AnswerLater(answer, cancellationToken);

        private async ValueTask<T> AnswerLater<T>(Func<T> answer, CancellationToken cancellationToken)
        {
            await Task.Yield();
            switch (Outage)
            {
                case Outage.Hangs:
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                    break;
                case Outage.HangsWhateverIsCancelled:
                    await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
                    break;
                case Outage.Throws:
                    throw new TimeoutException("The database is away.");
            }

            return answer();
        }
    }

    public enum Outage
    {
        None,
        Throws,
        ThrowsAtOnce,
        Hangs,
        HangsWhateverIsCancelled,
    }
}
