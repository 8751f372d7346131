using System.Net;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.UnitTests.Diagnostics;

/// <summary>What is found and logged of entries that are about to expire although they are in use.</summary>
public sealed class ExpiringEntriesWatchTests : IDisposable
{
    private const int EntryExpiresInUse = 32;
    private const int ExpiringEntriesUnknown = 33;
    private const string Address = "203.0.113.7";
    private const string Entry = "203.0.113.0/28";

    private readonly ManagedKeys _keys = new();
    private readonly ExpiringEntriesFound _found = new();
    private readonly LogRecorder _logs = new();
    private readonly ILoggerFactory _loggers;

    public ExpiringEntriesWatchTests() => _loggers = LoggerFactory.Create(logging => logging.AddProvider(_logs));

    public void Dispose()
    {
        _loggers.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public async Task An_entry_in_use_is_found_a_day_and_logged_four_hours_before_its_expiry()
    {
        using ExpiringEntriesWatch watch = Create();
        Set("key", hours: 30);
        Use("key");

        await LookAsync(watch, afterHours: 5);
        _found.All.Should().BeEmpty();

        Use("key");
        await LookAsync(watch, afterHours: 1);
        _found.All.Select(found => found.KeyId).Should().Equal("key");
        await LookAsync(watch, afterHours: 19);
        _logs.OfLibrary.Should().BeEmpty("there are five hours left");

        await LookAsync(watch, afterHours: 1);
        _logs.OfLibrary.Should().ContainSingle().Which.Should().BeEquivalentTo(new
        {
            Level = LogLevel.Warning,
            Id = new EventId(EntryExpiresInUse, nameof(EntryExpiresInUse)),
            Message = $"Entry {Entry} of key key expires at 2027-01-02 06:00:00Z although it is in use, last at 2027-01-01 05:00:00Z."
                + " It then stops allowing its addresses. Set a later expiry, or none, if its clients need access after that."
                + " Logged once a day.",
        });

        await LookAsync(watch, afterHours: 4);
        _found.All.Should().BeEmpty("it has expired");
        _logs.OfLibrary.Should().ContainSingle();
    }

    [Fact]
    public async Task An_entry_of_a_recovery_is_logged_four_hours_before_its_expiry_if_it_is_in_use()
    {
        using ExpiringEntriesWatch watch = Create();
        string used = await RecoveredAsync("used");
        await RecoveredAsync("unused");
        Use(used);

        await LookAsync(watch);
        await LookAsync(watch, afterHours: 19);
        _found.All.Select(found => found.KeyId).Should().Equal(used);
        Logged().Should().Be(0);

        await LookAsync(watch, afterHours: 1);
        _logs.OfLibrary.Should().ContainSingle().Which.Message.Should().StartWith(
            $"Entry {Address} of key {used} expires at 2027-01-02 00:00:00Z although it is in use");
    }

    [Fact]
    public async Task The_same_entry_is_logged_once_a_day_and_others_apart()
    {
        using ExpiringEntriesWatch watch = Create();
        Set("a", hours: 1);
        Use("a");
        await LookAsync(watch);
        await LookAsync(watch);
        Logged().Should().Be(1);

        Set("b", hours: 1);
        Use("b");
        await LookAsync(watch);
        Logged().Should().Be(2);

        Set("a", hours: 25);
        await LookAsync(watch, afterHours: 23);
        Logged().Should().Be(2, "a day has not passed");
        await LookAsync(watch, afterHours: 1);
        Logged().Should().Be(3);
    }

    [Fact]
    public async Task An_entry_that_nothing_uses_is_not_found()
    {
        using ExpiringEntriesWatch watch = Create();
        Set("key", hours: 1);
        Set("other", hours: null);
        Use("other");

        await LookAsync(watch);

        _found.All.Should().BeEmpty();
        _logs.OfLibrary.Should().BeEmpty();
    }

    [Fact]
    public async Task Only_keys_with_an_entry_that_expires_soon_are_asked_for_their_traffic()
    {
        var traffic = new CountedTraffic(_keys.Traffic);
        using ExpiringEntriesWatch watch = Create(traffic);
        Set("soon", hours: 1);
        Set("later", hours: 25);
        Set("never", hours: null);

        await LookAsync(watch);

        traffic.Asked.Should().Equal("soon");
    }

    [Fact]
    public async Task A_failure_is_logged_and_the_next_look_happens()
    {
        var traffic = new CountedTraffic(_keys.Traffic) { IsBroken = true };
        using ExpiringEntriesWatch watch = Create(traffic);
        Set("key", hours: 1);
        Use("key");

        await LookAsync(watch);
        _logs.OfLibrary.Should().ContainSingle().Which.Id.Id.Should().Be(ExpiringEntriesUnknown);

        traffic.IsBroken = false;
        await LookAsync(watch);
        _found.All.Should().ContainSingle();
        Logged().Should().Be(1);
    }

    [Fact]
    public async Task A_failure_while_the_host_stops_is_a_consequence_of_that_and_not_told()
    {
        using ExpiringEntriesWatch watch = Create(new CountedTraffic(_keys.Traffic) { IsBroken = true });
        Set("key", hours: 1);

        await watch.LookAsync(new CancellationToken(canceled: true));

        _logs.OfLibrary.Should().BeEmpty();
    }

    [Fact]
    public async Task Traffic_that_does_not_answer_is_waited_for_a_minute()
    {
        using ExpiringEntriesWatch watch = Create(new CountedTraffic(_keys.Traffic) { IsSilent = true });
        Set("key", hours: 1);

        Task look = watch.LookAsync(TestContext.Current.CancellationToken);
        _keys.Time.Advance(TimeSpan.FromSeconds(59));
        look.IsCompleted.Should().BeFalse();
        _keys.Time.Advance(TimeSpan.FromSeconds(1));
        await look;

        _logs.OfLibrary.Should().ContainSingle().Which.Id.Id.Should().Be(ExpiringEntriesUnknown);
    }

    private ExpiringEntriesWatch Create(IApiKeyTraffic? traffic = null) => new(
        new KeysInForce(_keys.Store, () => null, _keys.Time), traffic ?? _keys.Traffic, _found, _keys.Time, _loggers);

    private Task LookAsync(ExpiringEntriesWatch watch, int afterHours = 0)
    {
        _keys.Time.Advance(TimeSpan.FromHours(afterHours));
        return watch.LookAsync(TestContext.Current.CancellationToken);
    }

    private int Logged() => _logs.OfLibrary.Count(entry => entry.Id.Id == EntryExpiresInUse);

    private void Use(string id) => _keys.Use(id, Address);

    private async Task<string> RecoveredAsync(string name)
    {
        string id = (await _keys.CreateAsync(name, "192.0.2.1")).Details.Key.Id;
        var address = IPAddress.Parse(Address);
        _keys.Deny(id, address);
        await _keys.Manager.RecoverAsync(id, address, presented: null, ManagedKeys.Actor, TestContext.Current.CancellationToken);
        return id;
    }

    private void Set(string id, int? hours) => _keys.Store.Set(new ApiKey
    {
        Id = id,
        Hash = ApiKeyHash.Compute(id),
        AllowedIps = IpAddressSet.ReadStored(
            [new IpAllowlistEntry { Text = Entry, ExpiresAt = hours is null ? null : _keys.Now.AddHours(hours.Value) }], out _),
    });

    /// <summary>Records which keys' sources were read, and fails or hangs like a database.</summary>
    private sealed class CountedTraffic(IApiKeyTraffic traffic) : IApiKeyTraffic
    {
        public bool IsBroken { get; set; }

        public bool IsSilent { get; set; }

        public List<string> Asked { get; } = [];

        public ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken)
        {
            Asked.Add(keyId);
            return IsBroken ? throw new TimeoutException()
                : IsSilent ? new(new TaskCompletionSource<ApiKeySources>().Task)
                : traffic.ReadSourcesAsync(keyId, cancellationToken);
        }

        public ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
            IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
            IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> WasDeniedAsync(
            string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
