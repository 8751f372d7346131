using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>
/// When each of the two secrets of a rotation was last used, during its grace period, to show whether the old one is still used.
/// </summary>
/// <remarks>
/// It has two small cells for each key in a grace period, and occasionally drops those of ended grace periods. So it is bounded by the
/// keys in a grace period, and nothing that is still needed is evicted.
/// </remarks>
internal sealed class SecretsSeen(CoarseClock clock, SourcesSeen sources)
{
    /// <summary>With fewer cells, those of ended grace periods are not searched for.</summary>
    public const int FewCells = 1_000;

    private readonly Lock _admitting = new();
    private readonly ConcurrentDictionary<ApiKeyHash, SecretCell> _bySecret = new();
    private int _pruneAt = FewCells;

    /// <summary>The cells held.</summary>
    public int Cells => _bySecret.Count;

    /// <summary>
    /// Records a successful use of a key, before its source is recorded. It does nothing unless the key is in a grace period, and takes a
    /// lock only for the first use of a secret in it.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="secret">The secret that was used.</param>
    /// <param name="source">Where it was used from.</param>
    /// <param name="now">The time.</param>
    public void Seen(ApiKey key, ApiKeyHash secret, SourceCell source, uint now)
    {
        if (key.Retiring is not { } retiring)
        {
            return;
        }

        long graceEnd = retiring.ExpiresAt.ToUnixTimeSeconds();
        if (now >= graceEnd)
        {
            return;
        }

        if (_bySecret.TryGetValue(secret, out SecretCell? cell) && cell.GraceEnd >= graceEnd)
        {
            cell.Seen(source, now);
        }
        else
        {
            Admit(key, retiring, secret, source, now, graceEnd);
        }
    }

    /// <summary>The last use of a secret; null if none was seen.</summary>
    public SecretUse? Read(ApiKeyHash secret) => _bySecret.GetValueOrDefault(secret)?.Read();

    /// <summary>The secrets that were used since the last time.</summary>
    public IEnumerable<object> TakeChanges()
    {
        foreach ((_, SecretCell cell) in _bySecret)
        {
            if (cell.TakeChange() is { } use)
            {
                yield return use;
            }
        }
    }

    private void Admit(ApiKey key, RetiringSecret retiring, ApiKeyHash secret, SourceCell source, uint now, long graceEnd)
    {
        lock (_admitting)
        {
            if (secret != retiring.Hash && !_bySecret.ContainsKey(secret))
            {
                // The first use of the new secret: what used the key before it used the old one.
                SourceCell? last = sources.Find(key.Id)?.All
                    .Where(one => one != source || one.FirstSeen < now)
                    .MaxBy(one => one.LastSeen);
                if (last is not null)
                {
                    uint lastSeen = last.LastSeen;
                    CellOf(key.Id, retiring.Hash, last, lastSeen, graceEnd).SeenEarlier(last, lastSeen);
                }
            }

            CellOf(key.Id, secret, source, now, graceEnd).Seen(source, now);
            if (_bySecret.Count > _pruneAt)
            {
                Prune();
            }
        }
    }

    /// <summary>The cell of a secret. The new secret of one rotation is the old one of the next, and keeps its cell.</summary>
    private SecretCell CellOf(string keyId, ApiKeyHash secret, SourceCell source, uint at, long graceEnd)
    {
        if (!_bySecret.TryGetValue(secret, out SecretCell? cell))
        {
            cell = _bySecret[secret] = new SecretCell(keyId, secret, source, at);
        }

        cell.KeepUntil(graceEnd);
        return cell;
    }

    private void Prune()
    {
        uint now = clock.Now;
        foreach ((ApiKeyHash secret, SecretCell cell) in _bySecret)
        {
            if (cell.GraceEnd <= now)
            {
                _bySecret.TryRemove(secret, out _);
            }
        }

        _pruneAt = Math.Max(FewCells, 2 * _bySecret.Count);
    }
}
