using System.Diagnostics.CodeAnalysis;
using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Creates, changes, rotates and revokes keys by the rules of key administration. See <c>AddKeyManagement()</c>.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim holds nothing to free unless its AvailableWaitHandle is used.")]
public sealed class ApiKeyManager
{
    // Each attempt but the last one fails because of another node's committed change, so retries end when those changes do.
    private const int MaxAttempts = 100;

    /// <summary>How long a denial is evidence for a recovery.</summary>
    private static readonly TimeSpan MaxAgeOfDenial = TimeSpan.FromHours(1);

    // Changes within this process run one after another: concurrent ones would mostly make each other's version stale.
    private readonly SemaphoreSlim _changing = new(1);
    private readonly IApiKeyRepository _repository;
    private readonly ConfigurationKeyListing _configurationKeys;
    private readonly TimeProvider _time;
    private readonly ApiKeyRules _rules;
    private readonly LockoutGuard _guard;
    private readonly ApiKeyWarnings _warnings;
    private readonly TrialJudge _trial;
    private readonly BoundedTraffic _traffic;
    private readonly string _prefix;
    private readonly TimeSpan _auditTimeout;

    internal ApiKeyManager(
        IApiKeyRepository repository, ConfigurationKeys configurationKeys, IApiKeyTraffic traffic, ClientIpResolver resolver,
        TimeProvider time, ApiKeyManagementSettings settings)
    {
        _repository = repository;
        _configurationKeys = new ConfigurationKeyListing(configurationKeys);
        _time = time;
        _rules = new ApiKeyRules(settings, time);
        _guard = new LockoutGuard(time);
        _warnings = new ApiKeyWarnings(settings.ClientIpSource, time);
        _trial = new TrialJudge(resolver, time);
        _traffic = new BoundedTraffic(traffic, time);
        MaxAddressesPerKey = settings.MaxAddressesPerKey;
        RequiresAllowlist = settings.RequireAllowlist;
        Scopes = settings.Scopes.All;
        _prefix = settings.ApiKeyPrefix;
        _auditTimeout = settings.AuditTimeout;
    }

    /// <summary>The most addresses of a list: <see cref="IpAllowlistOptions.MaxAddressesPerKey"/>.</summary>
    public int MaxAddressesPerKey { get; }

    /// <summary>Whether every key but a break-glass key must have a list: <see cref="IpAllowlistOptions.RequireAllowlist"/>.</summary>
    public bool RequiresAllowlist { get; }

    /// <summary>The scopes that keys may have: <see cref="IpAllowlistOptions.Scopes"/>.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>Makes an id for <see cref="NewApiKey.Id"/>. Ids sort by the time they were made (RFC 9562 §5.7).</summary>
    /// <returns>An id that no key has.</returns>
    public string NewId() => ApiKeyId.New(_time);

    /// <summary>Creates a key.</summary>
    /// <param name="request">The key.</param>
    /// <param name="actor">Who creates it.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The key with its raw text, which is not available later.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// A rule is broken, the name or the chosen id is taken, or the audit log failed or did not answer in time. Nothing was written.
    /// </exception>
    public Task<IssuedApiKey> CreateAsync(NewApiKey request, ApiKeyActor actor, CancellationToken cancellationToken = default) =>
        CreateAsync(request, actor, new FieldErrors(), cancellationToken);

    /// <summary>Creates a key, and reports its faults together with those that the caller has already found.</summary>
    internal async Task<IssuedApiKey> CreateAsync(
        NewApiKey request, ApiKeyActor actor, FieldErrors errors, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(actor);

        string rawKey = ApiKeyGenerator.NewRawKey(_prefix);
        ApiKeyDetails read = Read(request, rawKey, errors);
        ApiKey key = read.Key;
        errors.ThrowIfAny();
        if (_configurationKeys.HasName(key.Name))
        {
            throw ManagementRefusal.NameTaken(key.Name);
        }

        DateTimeOffset now = _time.GetUtcNow();
        ApiKeyDetails created = read with { Version = 1, CreatedAt = now, CreatedBy = actor, UpdatedAt = now };
        AuditEntry entry = Entry(AuditAction.Create, actor, key) with
        {
            NewAllowedIps = key.AllowedIps.ToCanonicalStrings(),
            Changes = AuditChange.OfCreation(created),
            Detail = key.IsBreakGlass ? "a break-glass key" : null,
        };
        var change = new ApiKeyChange
        {
            Keys = [new ApiKeyWrite { Details = created, ExpectedVersion = 0 }],
            Audit = [entry],
            AuditTimeout = _auditTimeout,
        };
        try
        {
            return new IssuedApiKey
            {
                Details = created with { Revision = await CommitAsync(change, cancellationToken) },
                RawKey = rawKey,
                Warnings = _warnings.About(key, request.ProxyAddress),
            };
        }
        catch (ApiKeyConflictException conflict) when (conflict.Conflict == ApiKeyConflict.StaleVersion)
        {
            throw ManagementRefusal.Conflict(ApiKeyConflictCode.IdTaken, "A key with this id already exists.");
        }
    }

    /// <summary>Changes a key's name, description, list and its mode, scopes or expiry, disables it or enables it again.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="update">What to change.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="actor">Who changes it.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The key after the change.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// A rule is broken, the key is unknown, revoked or from configuration, the version is stale, the name is taken, or addresses in use
    /// would or may be denied and <see cref="ApiKeyUpdate.AcceptLockoutRisk"/> is not set, or an empty list would replace one that cannot
    /// be read and <see cref="ApiKeyUpdate.AcceptUnreadableList"/> is not set; the audit log, or the traffic that the risk is judged by,
    /// failed or did not answer in time. Nothing was written.
    /// </exception>
    public async Task<ChangedApiKey> UpdateAsync(
        string id, ApiKeyUpdate update, long? expectedVersion, ApiKeyActor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(update);

        // Asked before this change has its turn, so that no other change waits for the traffic.
        BoundedTraffic.Answer<ApiKeySources> seen = await ReadSourcesForAsync(id, update, cancellationToken);
        ApiKey? changed = null;
        ApiKeyDetails result = await ChangeAsync(id, expectedVersion, actor, before =>
        {
            changed = before.Key;
            ApiKeyDetails planned = Plan(before, update);
            ApiKey after = planned.Key;
            if (before == planned)
            {
                return null;
            }

            bool wasUnreadable = before.Key.AllowedIps.IsUnreadable;
            string[] oldList = before.Key.AllowedIps.ToCanonicalStrings();
            string[] newList = after.AllowedIps.ToCanonicalStrings();
            bool listChanged = wasUnreadable != after.AllowedIps.IsUnreadable || !oldList.SequenceEqual(newList);
            string? accepted = RiskOf(before, after, update, seen);
            return (planned, Entry(ActionOf(before.Key, after), actor, after) with
            {
                OldAllowedIps = listChanged && !wasUnreadable ? oldList : null,
                NewAllowedIps = listChanged ? newList : null,
                Changes = AuditChange.Between(before, planned),
                Detail = ChangeText.Join(
                    listChanged && wasUnreadable ? "the stored list could not be read" : null,
                    accepted is null ? null : $"lockout risk accepted for {accepted}"),
            });
        }, cancellationToken);
        return new ChangedApiKey { Details = result, Warnings = WarningsAbout(changed!, result.Key, update, seen) };
    }

    /// <summary>Previews an update without writing anything.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="update">What to change.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key after it, what it would cut off, and the warnings.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The update would be refused, but for the lock-out risk, which is part of the preview, or the risk could not be found out. That a key
    /// of the repository has the name already is only found by the update itself.
    /// </exception>
    public async Task<ApiKeyPreview> PreviewUpdateAsync(
        string id, ApiKeyUpdate update, long? expectedVersion, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(update);
        ApiKeyDetails before = await GetToChangeAsync(id, expectedVersion, cancellationToken);
        ApiKey after = Plan(before, update).Key;
        BoundedTraffic.Answer<ApiKeySources> seen = await ReadSourcesForAsync(id, update, cancellationToken);
        bool canCutOff = CanCutOff(before, after);
        return new ApiKeyPreview
        {
            Before = before,
            After = after,
            LockoutRisk = !canCutOff ? null : FindRisk(before, after, seen.Value ?? throw RiskUnknown(seen.Failure!)),
            Warnings = WarningsAbout(before.Key, after, update, seen),
        };
    }

    /// <summary>Gives a key a new secret. The old one keeps working with the same configuration until its grace period ends.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="graceHours">
    /// <see cref="ApiKeyLimits.MinGraceHours"/> to <see cref="ApiKeyLimits.MaxGraceHours"/> (1 to 168) hours. The old secret never
    /// outlives the key's own expiry.
    /// </param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="actor">Who rotates it.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The key with the raw text of its new secret, which is not available later.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The grace period is out of range; the key is unknown, revoked, disabled, expired, in a grace period or from configuration; the
    /// version is stale; the audit log failed or did not answer in time.
    /// </exception>
    public async Task<IssuedApiKey> RotateAsync(
        string id, int graceHours, long? expectedVersion, ApiKeyActor actor, CancellationToken cancellationToken = default)
    {
        var errors = new FieldErrors();
        ApiKeyRules.CheckGrace(graceHours, errors);
        errors.ThrowIfAny();

        string rawKey = ApiKeyGenerator.NewRawKey(_prefix);
        ApiKeyDetails rotated = await ChangeAsync(id, expectedVersion, actor, before =>
        {
            RefuseIfRevoked(before);
            if (before.Key.IsDisabled)
            {
                throw ManagementRefusal.Conflict(ApiKeyConflictCode.KeyDisabled, "The key is disabled. Enable it before it is rotated.");
            }

            DateTimeOffset now = _time.GetUtcNow();
            if (before.StateAt(now) == ApiKeyState.Expired)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.KeyExpired, "The key is expired. Give it a later expiry before it is rotated.");
            }

            if (before.Key.Retiring is { } retiring && now < retiring.ExpiresAt)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.InGracePeriod,
                    $"The key is in the grace period of a rotation until {retiring.ExpiresAt:u}. End it, or wait.");
            }

            DateTimeOffset graceEnd = now.AddHours(graceHours);
            ApiKey after = before.Key with
            {
                Hash = ApiKeyHash.Compute(rawKey),
                Prefix = ApiKeyGenerator.PrefixOf(rawKey),
                Retiring = new RetiringSecret
                {
                    Hash = before.Key.Hash,
                    Prefix = before.Key.Prefix,
                    ExpiresAt = before.Key.ExpiresAt < graceEnd ? before.Key.ExpiresAt.Value : graceEnd,
                },
            };
            AuditEntry entry = Entry(AuditAction.Rotate, actor, after);
            return (before with { Key = after }, entry with { Detail = $"the old secret works until {after.Retiring.ExpiresAt:u}" });
        }, cancellationToken);
        return new IssuedApiKey { Details = rotated, RawKey = rawKey };
    }

    /// <summary>Ends the grace period of a rotation now: the old secret stops working.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="actor">Who ends it.</param>
    /// <param name="acceptLockoutRisk">
    /// Whether to end the grace period even if the old secret was used within the last hour, or its last use is unknown.
    /// </param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The key after the change.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The key is unknown, revoked, not in a grace period or from configuration; the version is stale; the old secret was used within the
    /// last hour and <paramref name="acceptLockoutRisk"/> is false; the audit log, or the traffic that tells it, failed or did not answer
    /// in time.
    /// </exception>
    public async Task<ChangedApiKey> EndGraceAsync(
        string id, long? expectedVersion, ApiKeyActor actor, bool acceptLockoutRisk = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(actor);

        // Asked before this change has its turn, so that no other change waits for the traffic.
        ApiKeyDetails found = await GetToChangeAsync(id, expectedVersion, cancellationToken);
        ApiKeyHash old = RetiringOf(found).Hash;
        BoundedTraffic.Answer<SecretUse?> use = await ReadOldSecretAsync(found.Key, cancellationToken);
        ApiKeyDetails ended = await ChangeAsync(id, expectedVersion, actor, before =>
        {
            RetiringSecret retiring = RetiringOf(before);
            if (retiring.Hash != old)
            {
                // Rotated since the traffic was read, so it is about another secret.
                throw ManagementRefusal.Stale(before.Version);
            }

            ApiKey after = before.Key with { Retiring = null };
            string? accepted = RiskOf(use, acceptLockoutRisk);
            AuditEntry entry = Entry(AuditAction.EndGrace, actor, after);
            return (before with { Key = after }, entry with
            {
                Detail = ChangeText.Join(
                    $"the old secret {retiring.Prefix} stopped working",
                    accepted is null ? null : $"lockout risk accepted for {accepted}"),
            });
        }, cancellationToken);
        return new ChangedApiKey { Details = ended };
    }

    /// <summary>Previews the end of the grace period of a rotation without writing anything.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>
    /// The key after it, and the last use of the old secret, which is a risk if it was within the last hour.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The key is unknown, revoked, not in a grace period or from configuration, the version is stale, or its traffic could not be read.
    /// </exception>
    public async Task<ApiKeyPreview> PreviewEndGraceAsync(
        string id, long? expectedVersion, CancellationToken cancellationToken = default)
    {
        ApiKeyDetails before = await GetToChangeAsync(id, expectedVersion, cancellationToken);
        RetiringOf(before);
        BoundedTraffic.Answer<SecretUse?> use = await ReadOldSecretAsync(before.Key, cancellationToken);
        if (use.Failure is not null)
        {
            throw SecretUseUnknown(use.Failure);
        }

        return new ApiKeyPreview
        {
            Before = before,
            After = before.Key with { Retiring = null },
            LockoutRisk = _guard.FindInUse(use.Value),
            OldSecret = use.Value,
        };
    }

    /// <summary>
    /// Revokes a key immediately and finally, in an emergency even during an outage of the audit log. Revoking a revoked key changes
    /// nothing.
    /// </summary>
    /// <param name="id">The key's id.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="actor">Who revokes it.</param>
    /// <param name="acceptMissingAudit">
    /// Whether the key is revoked without a record if the audit log fails or does not answer within
    /// <see cref="IpAllowlistOptions.AuditTimeout"/>. The record is tried first; if it is missing, that is logged as an error.
    /// </param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The revoked key.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The key is unknown or from configuration; the version is stale; the audit log failed or did not answer in time, and
    /// <paramref name="acceptMissingAudit"/> is false.
    /// </exception>
    public async Task<ChangedApiKey> RevokeAsync(
        string id, long? expectedVersion, ApiKeyActor actor, bool acceptMissingAudit = false,
        CancellationToken cancellationToken = default) => new()
        {
            Details = await ChangeAsync(
                id, expectedVersion, actor,
                before => before.Key.IsRevoked
                    ? null
                    : (before with { Key = Revoked(before.Key) }, Entry(AuditAction.Revoke, actor, before.Key)),
                cancellationToken, acceptMissingAudit),
        };

    /// <summary>Previews the revocation of a key without writing anything.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="expectedVersion">The version the caller saw; null for any version.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key after it, and the sources in use, all of which it would cut off.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    /// <exception cref="ApiKeyManagementException">
    /// The key is unknown or from configuration, the version is stale, or its traffic could not be read.
    /// </exception>
    public async Task<ApiKeyPreview> PreviewRevokeAsync(
        string id, long? expectedVersion, CancellationToken cancellationToken = default)
    {
        ApiKeyDetails before = await GetToChangeAsync(id, expectedVersion, cancellationToken);
        return new ApiKeyPreview
        {
            Before = before,
            After = Revoked(before.Key),
            LockoutRisk = await FindInUseAsync(before, cancellationToken),
        };
    }

    /// <summary>Gets a key, from the repository or from configuration.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The key.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    /// <exception cref="ApiKeyManagementException">There is no such key.</exception>
    public async Task<ApiKeyDetails> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _configurationKeys.Find(id) ?? await _repository.GetAsync(id, cancellationToken) ?? throw ManagementRefusal.NotFound();
    }

    /// <summary>Reads the warnings about a key in its current state: the entries of its list that are in use and expire soon.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The warnings.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> is null.</exception>
    /// <exception cref="ApiKeyManagementException">There is no such key, or its traffic could not be read.</exception>
    public async Task<IReadOnlyList<ApiKeyWarning>> GetWarningsAsync(string id, CancellationToken cancellationToken = default)
    {
        ApiKeyDetails details = await GetAsync(id, cancellationToken);
        return WarningsAbout(details, await SourcesOfAsync(id, cancellationToken));
    }

    /// <summary>The same, from sources that are already read.</summary>
    internal IReadOnlyList<ApiKeyWarning> WarningsAbout(ApiKeyDetails details, ApiKeySources sources) =>
        _warnings.AboutEntriesInUse(details.Key, sources);

    /// <summary>Lists keys, those from configuration included, in the ordinal order of their ids.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>At most <see cref="ApiKeyQuery.Limit"/> keys, and where to read on.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The limit is not 1 to <see cref="ApiKeyLimits.MaxPageSize"/>, or the prefix is longer than <see cref="ApiKey.PrefixLength"/>.
    /// </exception>
    /// <exception cref="FormatException"><see cref="ApiKeyQuery.After"/> is empty, so it is not from an earlier page.</exception>
    public async Task<ApiKeyPage> ListAsync(ApiKeyQuery query, CancellationToken cancellationToken = default)
    {
        query = Checked(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, ApiKeyLimits.MaxPageSize, nameof(query));

        if (query.After is "")
        {
            throw new FormatException($"{nameof(ApiKeyQuery)}.{nameof(ApiKeyQuery.After)} is not from an earlier page.");
        }

        // One more than the limit shows whether there is another page.
        ApiKeyQuery more = query with { Limit = query.Limit + 1 };
        DateTimeOffset now = _time.GetUtcNow();
        ApiKeyDetails[] found = [.. (await _repository.ListAsync(more, now, cancellationToken))
            .Concat(_configurationKeys.List(more, now))
            .OrderBy(details => details.Key.Id, StringComparer.Ordinal)
            .Take(more.Limit)];
        ApiKeyDetails[] page = [.. found.Take(query.Limit)];
        return new ApiKeyPage { Keys = page, Next = found.Length > page.Length ? page[^1].Key.Id : null };
    }

    /// <summary>Counts keys by their states, those from configuration included.</summary>
    /// <param name="query">Which ones, by name and prefix; null for all.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The numbers.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The prefix is longer than <see cref="ApiKey.PrefixLength"/>.</exception>
    public async Task<ApiKeyCounts> CountAsync(ApiKeyQuery? query = null, CancellationToken cancellationToken = default)
    {
        query = Checked(query ?? new ApiKeyQuery());
        DateTimeOffset now = _time.GetUtcNow();
        return (await _repository.CountAsync(query, now, cancellationToken)).Plus(_configurationKeys.Count(query, now));
    }

    /// <summary>
    /// Tries the check for a request with a key from a client address. Nothing is counted or recorded.
    /// </summary>
    /// <param name="id">The key's id.</param>
    /// <param name="clientIp">The client address; an IPv4-mapped IPv6 address is the IPv4 address.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ApiKeyManagementException">There is no such key.</exception>
    public async Task<AddressTrial> TryAsync(string id, IPAddress clientIp, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientIp);
        return _trial.OfAddress(await GetAsync(id, cancellationToken), clientIp);
    }

    /// <summary>
    /// Tells what the check would decide about a request with a key, as it arrives here: the client address is found by the configured
    /// <see cref="ClientIpSource"/>. Nothing is counted or recorded.
    /// </summary>
    /// <param name="id">The key's id.</param>
    /// <param name="forwardedFor">The lines of its X-Forwarded-For header, in order; none if it has no such header.</param>
    /// <param name="peer">The direct peer of its connection; null if that has no address, as a Unix socket.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="id"/> or <paramref name="forwardedFor"/> is null.</exception>
    /// <exception cref="ApiKeyManagementException">There is no such key.</exception>
    public async Task<AddressTrial> TryRequestAsync(
        string id, IReadOnlyList<string> forwardedFor, IPAddress? peer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(forwardedFor);
        return _trial.OfRequest(await GetAsync(id, cancellationToken), forwardedFor, peer);
    }

    /// <summary>
    /// Allows, for a locked-out key, the address that its caller calls from: one address an hour, and only one that the key was recently
    /// denied from, unless the caller presents the key itself (other traffic with it can push a denial out of the record).
    /// </summary>
    /// <param name="id">The key's id.</param>
    /// <param name="callingFrom">The client address of the call.</param>
    /// <param name="presented">
    /// The hash of the raw key that the caller presents, either secret of it; null if none was. A wrong one, and the default value, which
    /// stands for a text that cannot be a raw key, are refused like a missing denial.
    /// </param>
    /// <param name="actor">Who recovers it.</param>
    /// <param name="cancellationToken">Cancels the operation before it is committed.</param>
    /// <returns>The key after the change.</returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="id"/>, <paramref name="callingFrom"/> or <paramref name="actor"/> is null.
    /// </exception>
    /// <exception cref="ApiKeyManagementException">
    /// The key is unknown, revoked, disabled, expired or from configuration; it has no list, an unreadable or a full one, or one with the
    /// address; it was recovered within the last hour; there is no evidence; the audit log or the traffic failed or did not answer in time.
    /// Nothing was written.
    /// </exception>
    public async Task<ChangedApiKey> RecoverAsync(
        string id, IPAddress callingFrom, ApiKeyHash? presented, ApiKeyActor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(callingFrom);
        IPAddress caller = IpAddressValue.From(callingFrom).ToIPAddress();
        BoundedTraffic.Answer<bool> wasDenied = default;
        if (presented is null)
        {
            DateTimeOffset since = _time.GetUtcNow() - MaxAgeOfDenial;
            wasDenied = await _traffic.AskAsync((traffic, token) => traffic.WasDeniedAsync(id, caller, since, token), cancellationToken);
        }

        ApiKeyDetails recovered = await ChangeAsync(id, expectedVersion: null, actor, before =>
        {
            RefuseIfRevoked(before);
            if (before.Key.IsDisabled)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.KeyDisabled,
                    "The key is disabled. Recovering its address would not help. An administrator can enable the key.");
            }

            DateTimeOffset now = _time.GetUtcNow();
            if (before.StateAt(now) == ApiKeyState.Expired)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.KeyExpired, "The key is expired. Recovering its address would not help.");
            }

            if (before.Key.AllowedIps.IsUnreadable)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.UnreadableList,
                    "The key's stored list cannot be read, and one address alone would lock out all others."
                    + " Set the whole list again.");
            }

            if (before.Key.AllowedIps.Count == 0)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.NoList, "The key has no list, so nothing locks it out. A first address would turn the check on.");
            }

            string address = caller.ToString();
            if (before.Key.AllowedIps.Contains(callingFrom, now))
            {
                throw ManagementRefusal.Conflict(ApiKeyConflictCode.AddressListed, $"{address} is on the key's list already.");
            }

            if (now - before.RecoveredAt < ApiKeyRules.RecoveryInterval)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.RecoveredRecently,
                    $"The key was recovered at {before.RecoveredAt:u}. It can be recovered once an hour.");
            }

            if (wasDenied.Failure is not null)
            {
                throw ManagementRefusal.TrafficUnavailable(
                    $"whether the key was denied from {address}", "show the key itself", wasDenied.Failure);
            }

            // A wrong key is refused like a missing denial, even if there is a recorded denial.
            bool hasEvidence = presented is { } secret ? secret != default && before.Key.Accepts(secret, _time) : wasDenied.Value;
            if (!hasEvidence)
            {
                throw ManagementRefusal.Conflict(
                    ApiKeyConflictCode.NotDenied,
                    $"The key was not recently denied from {address}. Send a request with it from here first.");
            }

            var errors = new FieldErrors();
            string why = presented is null ? "the key was denied from here" : "the caller showed the key itself";
            string note = $"Recovery by {SnakeCase.Of(actor.Kind)} {ShortId(actor)}: {why}";
            ApiKeyDetails after = _rules.Recover(before, address, note, errors);
            errors.ThrowIfAny();
            return (after, Entry(AuditAction.Recover, actor, after.Key) with
            {
                OldAllowedIps = before.Key.AllowedIps.ToCanonicalStrings(),
                NewAllowedIps = after.Key.AllowedIps.ToCanonicalStrings(),
                Changes = AuditChange.OfEntries(before, after),
                Detail = presented is null ? null : "the caller showed the key itself",
            });
        }, cancellationToken);
        return new ChangedApiKey { Details = recovered };
    }

    /// <summary>Collects every fault of an update that can be found without the key it is for.</summary>
    internal void Check(ApiKeyUpdate update, FieldErrors errors) =>
        Read(
            new ApiKeyDetails { Key = new ApiKey { Id = "any", Hash = default, AllowedIps = IpAddressSet.Empty }, Version = 0 },
            update, isKeyKnown: false, errors);

    private ApiKeyDetails Read(NewApiKey request, string rawKey, FieldErrors errors)
    {
        string id = _rules.ReadId(request.Id, errors);
        string name = _rules.ReadName(request.Name, errors);
        _rules.CheckExpiry(request.ExpiresAt, errors);
        var key = new ApiKey
        {
            Id = id,
            Name = name,
            Hash = ApiKeyHash.Compute(rawKey),
            Prefix = ApiKeyGenerator.PrefixOf(rawKey),
            AllowedIps = IpAddressSet.Empty,
            Scopes = _rules.ReadScopes(request.Scopes ?? [], errors),
            ExpiresAt = request.ExpiresAt,
            AllowlistMode = ApiKeyRules.ReadAllowlistMode(request.AllowlistMode, errors),
            IsBreakGlass = request.IsBreakGlass,
        };
        var withoutList = new ApiKeyDetails
        {
            Key = key,
            Description = _rules.ReadDescription(request.Description, errors),
            Version = 0,
        };
        ApiKeyDetails read = _rules.ReadAllowedIps(withoutList, request, errors);
        _rules.CheckBreakGlass(read.Key, errors);
        return read;
    }

    private ApiKeyDetails Read(ApiKeyDetails details, ApiKeyUpdate update, bool isKeyKnown, FieldErrors errors)
    {
        if (update.AllowedIps is not null)
        {
            details = _rules.ReadNewAllowedIps(details, update.AllowedIps, isKeyKnown, errors);
        }

        ApiKey before = details.Key;
        string name = update.Name is null ? before.Name : _rules.ReadName(update.Name, errors);
        if (update.RemoveExpiry && update.ExpiresAt is not null)
        {
            errors.Add(nameof(ApiKeyUpdate.ExpiresAt), "cannot be set and removed at once");
        }

        _rules.CheckExpiry(update.ExpiresAt, errors);
        ApiKey after = before with
        {
            Name = name,
            Scopes = update.Scopes is null ? before.Scopes : _rules.ReadScopes(update.Scopes, errors),
            ExpiresAt = update.RemoveExpiry ? null : update.ExpiresAt ?? before.ExpiresAt,
            AllowlistMode = update.AllowlistMode is { } mode ? ApiKeyRules.ReadAllowlistMode(mode, errors) : before.AllowlistMode,
            IsDisabled = update.Enabled is { } enabled ? !enabled : before.IsDisabled,
        };
        _rules.CheckBreakGlass(after, errors);
        return details with
        {
            Key = after,
            Description = update.Description is null ? details.Description : _rules.ReadDescription(update.Description, errors),
        };
    }

    /// <summary>The key that an update makes of another one. Whether it is too risky is not looked at.</summary>
    private ApiKeyDetails Plan(ApiKeyDetails before, ApiKeyUpdate update)
    {
        RefuseIfRevoked(before);
        var errors = new FieldErrors();
        ApiKeyDetails planned = Read(before, update, isKeyKnown: true, errors);
        ApiKey after = planned.Key;
        errors.ThrowIfAny();
        if (!before.Key.Name.Equals(after.Name, StringComparison.OrdinalIgnoreCase) && _configurationKeys.HasName(after.Name))
        {
            throw ManagementRefusal.NameTaken(after.Name);
        }

        bool isEmptied = !after.AllowedIps.IsUnreadable && after.AllowedIps.Count == 0;
        if (before.Key.AllowedIps.IsUnreadable && isEmptied && !update.AcceptUnreadableList)
        {
            throw ManagementRefusal.Conflict(
                ApiKeyConflictCode.UnreadableList,
                "The key's stored list cannot be read, so the key is denied from everywhere. An empty list would admit it from everywhere."
                + $" Set the addresses, or repeat the change with {nameof(ApiKeyUpdate.AcceptUnreadableList)}.");
        }

        return planned;
    }

    /// <summary>The old secret of a rotation, which still works.</summary>
    private RetiringSecret RetiringOf(ApiKeyDetails details)
    {
        RefuseIfRevoked(details);
        return details.Key.Retiring is { } retiring && _time.GetUtcNow() < retiring.ExpiresAt
            ? retiring
            : throw ManagementRefusal.Conflict(ApiKeyConflictCode.NotInGracePeriod, "The key is not in the grace period of a rotation.");
    }

    /// <summary>What uses a key now; null if nothing does, as nothing can use one that does not work.</summary>
    private async Task<LockoutRisk?> FindInUseAsync(ApiKeyDetails details, CancellationToken cancellationToken) =>
        details.StateAt(_time.GetUtcNow()) == ApiKeyState.Active
            ? _guard.FindInUse(details.Key, await SourcesOfAsync(details.Key.Id, cancellationToken))
            : null;

    private async Task<ApiKeySources> SourcesOfAsync(string id, CancellationToken cancellationToken)
    {
        BoundedTraffic.Answer<ApiKeySources> seen = await ReadSourcesAsync(id, cancellationToken);
        return seen.Failure is null ? seen.Value! : throw RiskUnknown(seen.Failure);
    }

    private Task<BoundedTraffic.Answer<ApiKeySources>> ReadSourcesAsync(string id, CancellationToken cancellationToken) =>
        _traffic.AskAsync((traffic, token) => traffic.ReadSourcesAsync(id, token), cancellationToken);

    /// <summary>Where a key was used from, if an update can cut any of that off; otherwise nothing is asked.</summary>
    private async Task<BoundedTraffic.Answer<ApiKeySources>> ReadSourcesForAsync(
        string id, ApiKeyUpdate update, CancellationToken cancellationToken) =>
        update.AllowedIps is not null || update.AllowlistMode is not null || update.Enabled == false
            ? await ReadSourcesAsync(id, cancellationToken)
            : default;

    private IReadOnlyList<ApiKeyWarning> WarningsAbout(
        ApiKey before, ApiKey after, ApiKeyUpdate update, BoundedTraffic.Answer<ApiKeySources> seen) =>
    [
        .. _warnings.About(before, after, update),
        .. seen.Value is { } sources ? _warnings.AboutEntriesInUse(after, sources) : [],
    ];

    /// <summary>When the old secret of a rotation was last used; null if no use is known.</summary>
    private Task<BoundedTraffic.Answer<SecretUse?>> ReadOldSecretAsync(ApiKey key, CancellationToken cancellationToken) =>
        _traffic.AskAsync(
            async (traffic, token) => (await traffic.ReadRotationUseAsync([key], token)).GetValueOrDefault(key.Id)?.Old, cancellationToken);

    /// <summary>What the end of a grace period puts at risk and accepts, in words; null if there is no risk.</summary>
    /// <exception cref="ApiKeyManagementException">There is a risk that is not accepted, or it is unknown.</exception>
    private string? RiskOf(BoundedTraffic.Answer<SecretUse?> use, bool acceptLockoutRisk)
    {
        if (use.Failure is not null)
        {
            return acceptLockoutRisk ? "uses of it that could not be read" : throw SecretUseUnknown(use.Failure);
        }

        LockoutRisk? risk = _guard.FindInUse(use.Value);
        return risk is null ? null
            : acceptLockoutRisk ? $"its use {ChangeText.Use(use.Value!)}"
            : throw ManagementRefusal.SecretInUse(risk);
    }

    /// <summary>What an update puts at risk and accepts, in words; null if there is no risk.</summary>
    /// <exception cref="ApiKeyManagementException">There is a risk that is not accepted, or it is unknown.</exception>
    private string? RiskOf(ApiKeyDetails before, ApiKey after, ApiKeyUpdate update, BoundedTraffic.Answer<ApiKeySources> seen)
    {
        if (!CanCutOff(before, after))
        {
            return null;
        }

        if (seen.Failure is not null)
        {
            return update.AcceptLockoutRisk ? "sources that could not be read" : throw RiskUnknown(seen.Failure);
        }

        LockoutRisk? risk = FindRisk(before, after, seen.Value!);
        return risk is null ? null
            : update.AcceptLockoutRisk ? ChangeText.AcceptedRisk(risk)
            : throw ManagementRefusal.TooRisky(risk, StopsWorking(before, after));
    }

    /// <summary>Whether an update can deny any traffic that the key admits now.</summary>
    private bool CanCutOff(ApiKeyDetails before, ApiKey after) =>
        StopsWorking(before, after) || _guard.CanDenyMore(before.Key, after);

    private LockoutRisk? FindRisk(ApiKeyDetails before, ApiKey after, ApiKeySources seen) =>
        StopsWorking(before, after) ? _guard.FindInUse(before.Key, seen) : _guard.Find(before.Key, after, seen);

    /// <summary>Whether an update disables a key that works.</summary>
    private bool StopsWorking(ApiKeyDetails before, ApiKey after) =>
        after.IsDisabled && before.StateAt(_time.GetUtcNow()) == ApiKeyState.Active;

    private static AuditAction ActionOf(ApiKey before, ApiKey after) =>
        before.IsDisabled == after.IsDisabled ? AuditAction.Update
        : after.IsDisabled ? AuditAction.Disable
        : AuditAction.Enable;

    private static ApiKeyManagementException RiskUnknown(Exception cause) => ManagementRefusal.TrafficUnavailable(
        "whether the change would cut off addresses in use", $"repeat the change with {nameof(ApiKeyUpdate.AcceptLockoutRisk)}", cause);

    private static ApiKeyManagementException SecretUseUnknown(Exception cause) => ManagementRefusal.TrafficUnavailable(
        "whether the old secret is still used", $"repeat the change with {ManagementRefusal.AcceptSecretInUse}", cause);

    private async Task<ApiKeyDetails> GetToChangeAsync(string id, long? expectedVersion, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        RefuseIfFromConfiguration(id);
        return await GetLatestAsync(id, expectedVersion, cancellationToken);
    }

    private async Task<ApiKeyDetails> GetLatestAsync(string id, long? expectedVersion, CancellationToken cancellationToken)
    {
        ApiKeyDetails details = await _repository.GetAsync(id, cancellationToken) ?? throw ManagementRefusal.NotFound();
        return expectedVersion is null || expectedVersion == details.Version ? details : throw ManagementRefusal.Stale(details.Version);
    }

    private void RefuseIfFromConfiguration(string id)
    {
        if (_configurationKeys.Find(id) is not null)
        {
            throw ManagementRefusal.Conflict(
                ApiKeyConflictCode.KeyFromConfiguration,
                "The key comes from configuration, where a change made here would be undone by the next reload. Edit the configuration.");
        }
    }

    private async Task<ApiKeyDetails> ChangeAsync(
        string id, long? expectedVersion, ApiKeyActor actor, Func<ApiKeyDetails, (ApiKeyDetails After, AuditEntry Entry)?> change,
        CancellationToken cancellationToken, bool acceptMissingAudit = false)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(actor);
        RefuseIfFromConfiguration(id);

        if (acceptMissingAudit)
        {
            // Without the semaphore: its holder may be waiting for the audit log.
            return await ChangeLatestAsync(id, expectedVersion, change, _auditTimeout, acceptMissingAudit, cancellationToken);
        }

        long began = _time.GetTimestamp();
        using var timeout = new CancellationTokenSource(_auditTimeout, _time);
        if (!await _changing.TryWaitAsync(timeout.Token, cancellationToken))
        {
            throw ManagementRefusal.AuditUnavailable(new TimeoutException("An earlier change did not end in time."));
        }

        try
        {
            TimeSpan left = _auditTimeout - _time.GetElapsedTime(began);
            return await ChangeLatestAsync(
                id, expectedVersion, change, left > TimeSpan.Zero ? left : TimeSpan.Zero, acceptMissingAudit, cancellationToken);
        }
        finally
        {
            _changing.Release();
        }
    }

    private async Task<ApiKeyDetails> ChangeLatestAsync(
        string id, long? expectedVersion, Func<ApiKeyDetails, (ApiKeyDetails After, AuditEntry Entry)?> change,
        TimeSpan auditTimeout, bool acceptMissingAudit, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            ApiKeyDetails before = await GetLatestAsync(id, expectedVersion, cancellationToken);
            if (change(before) is not { } changed)
            {
                return before;
            }

            DateTimeOffset now = _time.GetUtcNow();
            ApiKeyDetails after = changed.After with
            {
                Version = before.Version + 1,
                UpdatedAt = now,
                RevokedAt = changed.After.Key.IsRevoked ? now : null,
                RecoveredAt = changed.Entry.Action == AuditAction.Recover ? now : before.RecoveredAt,
            };
            try
            {
                var whole = new ApiKeyChange
                {
                    Keys = [new ApiKeyWrite { Details = after, ExpectedVersion = before.Version }],
                    Audit = [changed.Entry],
                    AuditTimeout = auditTimeout,
                    AcceptMissingAudit = acceptMissingAudit,
                };
                return after with { Revision = await CommitAsync(whole, cancellationToken) };
            }
            catch (ApiKeyConflictException conflict) when (conflict.Conflict == ApiKeyConflict.StaleVersion)
            {
                // Another change came first. If the caller named no version, this one is applied to the newer version.
                if (expectedVersion is not null || attempt == MaxAttempts)
                {
                    throw ManagementRefusal.Stale(before.Version + 1);
                }
            }
        }
    }

    private async Task<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken)
    {
        try
        {
            return await _repository.CommitAsync(change, cancellationToken);
        }
        catch (ApiKeyConflictException conflict) when (conflict.Conflict == ApiKeyConflict.NameTaken)
        {
            throw ManagementRefusal.NameTaken(change.Keys[0].Details.Key.Name);
        }
        catch (AuditUnavailableException unavailable)
        {
            throw ManagementRefusal.AuditUnavailable(unavailable);
        }
    }

    private AuditEntry Entry(AuditAction action, ApiKeyActor actor, ApiKey key) =>
        AuditEntry.Create(_time.GetUtcNow(), action, actor, key.Id, key.Name);

    /// <summary>The id of a caller for a note: short enough although escapes lengthen it.</summary>
    private static string ShortId(ApiKeyActor actor)
    {
        const int Longest = 100;
        string id = PrintableText.Escape(actor.Id);
        return id.Length <= Longest ? id : $"{id[..(Longest - 3)]}...";
    }

    private static ApiKey Revoked(ApiKey key) => key with { IsRevoked = true };

    /// <summary>A query whose prefix is no raw key, with the name as names are kept.</summary>
    private static ApiKeyQuery Checked(ApiKeyQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Prefix?.Length ?? 0, ApiKey.PrefixLength, nameof(query));
        return query.NameContains is { } name ? query with { NameContains = KeyNameRules.Compose(name) } : query;
    }

    private static void RefuseIfRevoked(ApiKeyDetails details)
    {
        if (details.Key.IsRevoked)
        {
            throw ManagementRefusal.Conflict(ApiKeyConflictCode.KeyRevoked, "The key is revoked, which is final. Create a new one.");
        }
    }
}
