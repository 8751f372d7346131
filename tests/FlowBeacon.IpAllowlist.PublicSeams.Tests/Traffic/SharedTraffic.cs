using System.Globalization;
using System.Net;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Traffic;

/// <summary>
/// What several hosts saw, added up in dictionaries as a database package would do it in tables.
/// </summary>
internal sealed class SharedTraffic(DateTimeOffset watchingSince) : IApiKeyTraffic
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string, string?, IpAllowlistDenialReason, bool, bool), Denial> _denials = [];
    private readonly Dictionary<string, (long Denied, long WouldDeny)> _totals = [];
    private readonly Dictionary<(string KeyId, string? ClientIp), SourceSeen> _sources = [];
    private readonly Dictionary<string, DateTimeOffset> _lostUntil = [];
    private readonly Dictionary<ApiKeyHash, SecretUse> _secrets = [];
    private readonly HashSet<(string Host, long Number)> _batches = [];

    /// <summary>Takes all that a host has to give, batch by batch.</summary>
    public int Collect(string host, LocalTraffic local, int max = 100)
    {
        int batches = 0;
        for (TrafficChanges? changes = local.TakeChanges(max); changes is not null; changes = local.TakeChanges(max))
        {
            Add(host, changes);
            local.Confirm(changes);
            batches++;
        }

        return batches;
    }

    /// <summary>Adds a batch, unless it was added before.</summary>
    public void Add(string host, TrafficChanges changes)
    {
        lock (_lock)
        {
            if (!_batches.Add((host, changes.Number)))
            {
                return;
            }

            foreach (Denial added in changes.Denials)
            {
                var row = (added.KeyId, added.ClientIp, added.Reason, added.IsReportOnly, added.IsHealth);
                _denials[row] = !_denials.TryGetValue(row, out Denial? held) ? added
                    : (held.LastSeen > added.LastSeen ? held : added) with
                    {
                        Count = held.Count + added.Count,
                        FirstSeen = Earlier(held.FirstSeen, added.FirstSeen),
                    };
            }

            foreach (DenialTotalsChange added in changes.Totals)
            {
                (long denied, long wouldDeny) = _totals.GetValueOrDefault(added.KeyId);
                _totals[added.KeyId] = (denied + added.Denied, wouldDeny + added.WouldDeny);
            }

            foreach (SourceChange added in changes.Sources)
            {
                var source = (added.KeyId, added.Source.ClientIp);
                _sources[source] = !_sources.TryGetValue(source, out SourceSeen? held) ? added.Source
                    : (held.LastSeen > added.Source.LastSeen ? held : added.Source) with
                    {
                        Count = held.Count + added.Source.Count,
                        FirstSeen = Earlier(held.FirstSeen, added.Source.FirstSeen),
                    };
            }

            foreach (SecretUse use in changes.Secrets)
            {
                if (!_secrets.TryGetValue(use.Secret, out SecretUse? held) || held.LastSeen <= use.LastSeen)
                {
                    _secrets[use.Secret] = use;
                }
            }

            foreach (SourceLoss lost in changes.Losses)
            {
                DateTimeOffset until = _lostUntil.GetValueOrDefault(lost.KeyId);
                _lostUntil[lost.KeyId] = lost.Until > until ? lost.Until : until;
            }
        }
    }

    /// <summary>Reads a page of denials; a later one begins behind as many rows as its cursor says.</summary>
    public ValueTask<DenialPage> ReadDenialsAsync(DenialQuery query, CancellationToken cancellationToken)
    {
        int skipped = 0;
        if (query.After is not null && !int.TryParse(query.After, NumberStyles.None, CultureInfo.InvariantCulture, out skipped))
        {
            throw new FormatException("The cursor is not from an earlier page.");
        }

        return Answer(() =>
        {
            Denial[] found = [.. _denials.Values
                .Where(row => query.KeyId is null || row.KeyId == query.KeyId)
                .Where(row => query.ClientIp is null || row.ClientIp == Canonical(query.ClientIp))
                .Where(row => query.Since is null || row.LastSeen.ToUnixTimeSeconds() >= query.Since.Value.ToUnixTimeSeconds())
                .OrderByDescending(row => query.Order == DenialOrder.Count ? row.Count : row.LastSeen.ToUnixTimeSeconds())
                .Skip(skipped)];
            int next = skipped + query.Limit;
            return new DenialPage
            {
                Denials = [.. found.Take(query.Limit)],
                Next = found.Length > query.Limit ? next.ToString(CultureInfo.InvariantCulture) : null,
            };
        });
    }

    public ValueTask<DenialTotals> ReadTotalsAsync(string? keyId, CancellationToken cancellationToken) => Answer(() =>
    {
        (long Denied, long WouldDeny)[] totals =
            [.. _totals.Where(total => keyId is null || total.Key == keyId).Select(total => total.Value)];
        return new DenialTotals { Denied = totals.Sum(total => total.Denied), WouldDeny = totals.Sum(total => total.WouldDeny) };
    });

    public ValueTask<ApiKeySources> ReadSourcesAsync(string keyId, CancellationToken cancellationToken) => Answer(() => new ApiKeySources
    {
        Sources = [.. _sources.Where(source => source.Key.KeyId == keyId && source.Key.ClientIp is not null)
            .Select(source => source.Value).OrderByDescending(source => source.LastSeen)],
        WithoutAddress = _sources.GetValueOrDefault((keyId, null)),
        EvictedUntil = _lostUntil.TryGetValue(keyId, out DateTimeOffset until) ? until : null,
        WatchingSince = watchingSince,
    });

    public ValueTask<IReadOnlyDictionary<string, SourceSeen>> ReadLastUsedAsync(
        IReadOnlyCollection<string> keyIds, CancellationToken cancellationToken) =>
        Answer<IReadOnlyDictionary<string, SourceSeen>>(() => _sources.Where(source => keyIds.Contains(source.Key.KeyId))
            .GroupBy(source => source.Key.KeyId)
            .ToDictionary(group => group.Key, group => group.Select(source => source.Value).MaxBy(source => source.LastSeen)!));

    public ValueTask<IReadOnlyDictionary<ApiKeyHash, SecretUse>> ReadSecretsLastUsedAsync(
        IReadOnlyCollection<ApiKeyHash> secrets, CancellationToken cancellationToken) =>
        Answer<IReadOnlyDictionary<ApiKeyHash, SecretUse>>(
            () => secrets.Where(_secrets.ContainsKey).Distinct().ToDictionary(secret => secret, secret => _secrets[secret]));

    public ValueTask<bool> WasDeniedAsync(
        string keyId, IPAddress clientIp, DateTimeOffset since, CancellationToken cancellationToken) => Answer(() =>
        _denials.TryGetValue((keyId, Canonical(clientIp), IpAllowlistDenialReason.NotListed, false, false), out Denial? row)
        && row.LastSeen.ToUnixTimeSeconds() >= since.ToUnixTimeSeconds());

    /// <summary>Later, as a database does.</summary>
    private async ValueTask<T> Answer<T>(Func<T> read)
    {
        await Task.Yield();
        lock (_lock)
        {
            return read();
        }
    }

    /// <summary>An IPv4 address and its IPv4-mapped form are one.</summary>
    private static string Canonical(IPAddress address) =>
        (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
