using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>A manager over keys in memory, at a time that tests move.</summary>
internal sealed class ManagedKeys
{
    public const string FromConfiguration =
        "The key comes from configuration, where a change made here would be undone by the next reload. Edit the configuration.";

    public static readonly DateTimeOffset Start = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly ApiKeyActor Actor = new() { Kind = ApiKeyActorKind.User, Id = "ada", Address = "192.0.2.100" };

    private readonly ConfigurationKeys _configuration = new();
    private readonly IpAllowlistOptions _options;

    public ManagedKeys(IpAllowlistOptions? options = null)
    {
        _options = options ?? new IpAllowlistOptions();
        Repository = new InMemoryApiKeyRepository(Store, Audit);
        var clock = new CoarseClock(Time);
        Denials = new DenialRecord(clock);
        Sources = new SourcesSeen(clock, _options.MaxSourcesPerKey);
        Secrets = new SecretsSeen(clock, Sources);
        Traffic = new ProcessTraffic(Denials, Sources, Secrets);
        Manager = CreateManager(Repository);
    }

    public FakeTimeProvider Time { get; } = new(Start);

    public DateTimeOffset Now => Time.GetUtcNow();

    public InMemoryApiKeyStore Store { get; } = new();

    public InMemoryAuditLog Audit { get; } = new();

    public InMemoryApiKeyRepository Repository { get; }

    public SourcesSeen Sources { get; }

    public SecretsSeen Secrets { get; }

    public DenialRecord Denials { get; }

    public IApiKeyTraffic Traffic { get; }

    public ApiKeyManager Manager { get; }

    public static async Task<ApiKeyManagementException> RefusedAsync(Func<Task> change) =>
        (await change.Should().ThrowAsync<ApiKeyManagementException>()).Which;

    public ApiKeyManager CreateManager(IApiKeyRepository repository, IApiKeyTraffic? traffic = null) => new(
        repository, _configuration, traffic ?? Traffic,
        new ClientIpResolver(_options.ClientIpSource, IpNetworkSet.Parse(_options.TrustedProxies, "", out _)),
        Time,
        new ApiKeyManagementSettings(
            _options.MaxAddressesPerKey, _options.ApiKeyPrefix, _options.AuditTimeout, _options.ClientIpSource,
            new ScopeRules(_options.ScopesInForce), _options.RequireAllowlist, _options.RangesInForce,
            _options.RecoveryEntryLifetime));

    public void Configure(ApiKey key, params (string Entry, string Note)[] notes)
    {
        _configuration.ById = new Dictionary<string, ConfiguredKey>(_configuration.ById)
        {
            [key.Id] = new(key, notes.ToDictionary(note => note.Entry, note => note.Note)),
        };
        Store.Set(key);
    }

    public ApiKey? Find(string rawKey) => Store.Find(ApiKeyHash.Compute(rawKey));

    /// <summary>Whether a request with this raw key gets past the key itself.</summary>
    public bool Accepts(string rawKey) => Find(rawKey) is { } key && key.Accepts(ApiKeyHash.Compute(rawKey), Time);

    /// <summary>A successful use of a key.</summary>
    public void Use(string id, string address) =>
        Sources.Admit(id, ObservedTraffic.From(address)).Seen((uint)Now.ToUnixTimeSeconds());

    /// <summary>A successful use of a key with one of its secrets.</summary>
    public void Use(ApiKey key, string rawKey, string address)
    {
        SourceCell source = Sources.Admit(key.Id, ObservedTraffic.From(address));
        Secrets.Seen(key, ApiKeyHash.Compute(rawKey), source, (uint)Now.ToUnixTimeSeconds());
        source.Seen((uint)Now.ToUnixTimeSeconds());
    }

    /// <summary>A denial of a key because its list does not have the address.</summary>
    public void Deny(string id, IPAddress address) => Denials.Add(new DenialOccurrence(
        id, ClientIp.Peer(IpAddressValue.From(address)), IpAllowlistDenialReason.NotListed,
        IsReportOnly: false, IsHealth: false, "GET", "/"));

    public Task<IssuedApiKey> CreateAsync(string name, params string[] allowedIps) =>
        CreateAsync(new NewApiKey { Name = name, AllowedIps = [.. allowedIps] });

    public Task<IssuedApiKey> CreateAsync(NewApiKey request) => Manager.CreateAsync(request, Actor, TestContext.Current.CancellationToken);

    public async Task<ApiKeyDetails> UpdateAsync(string id, ApiKeyUpdate update, long? version = null) =>
        (await Manager.UpdateAsync(id, update, version, Actor, TestContext.Current.CancellationToken)).Details;

    public Task<IssuedApiKey> RotateAsync(string id, int graceHours = 24, long? version = null) =>
        Manager.RotateAsync(id, graceHours, version, Actor, TestContext.Current.CancellationToken);

    public async Task<ApiKeyDetails> EndGraceAsync(string id, long? version = null, bool acceptLockoutRisk = false) =>
        (await Manager.EndGraceAsync(id, version, Actor, acceptLockoutRisk, TestContext.Current.CancellationToken)).Details;

    public async Task<ApiKeyDetails> RevokeAsync(string id, long? version = null) =>
        (await Manager.RevokeAsync(id, version, Actor, cancellationToken: TestContext.Current.CancellationToken)).Details;

    public Task<ApiKeyDetails> GetAsync(string id) => Manager.GetAsync(id, TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<ApiKeyDetails>> ListAsync(ApiKeyState? state = null, string? after = null, int limit = 10_000) =>
        (await ListAsync(new ApiKeyQuery { State = state, After = after, Limit = limit })).Keys;

    public Task<ApiKeyPage> ListAsync(ApiKeyQuery query) => Manager.ListAsync(query, TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<AuditEntry>> AuditAsync(string? keyId = null) =>
        (await Audit.ReadAsync(new AuditQuery { KeyId = keyId, Limit = 100_000 }, TestContext.Current.CancellationToken)).Entries;

    public async Task ShouldBeEmptyAsync()
    {
        (await ListAsync()).Should().BeEmpty();
        (await AuditAsync()).Should().BeEmpty();
        Store.Count.Should().Be(0);
    }
}
