using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// What was seen of the keys' traffic: who was denied and why, who gets through, and which list would fit. Register nothing; inject it.
/// It knows this process alone, since its start; what it holds is bounded.
/// </summary>
public sealed class ApiKeyTraffic
{
    private readonly DenialRecord _denials;
    private readonly SourcesSeen _sources;
    private readonly TimeProvider _time;

    internal ApiKeyTraffic(DenialRecord denials, SourcesSeen sources, TimeProvider time)
    {
        _denials = denials;
        _sources = sources;
        _time = time;
    }

    /// <summary>Reads recent denials and rehearsed ones, the last denied first.</summary>
    /// <param name="query">Which ones.</param>
    /// <returns>One item for each key, address and reason.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    public IReadOnlyList<Denial> ReadDenials(DenialQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return _denials.Read(query);
    }

    /// <summary>Reads exact numbers of denials.</summary>
    /// <param name="keyId">Only this key's; null for those of all keys whose denials are held.</param>
    /// <returns>The numbers.</returns>
    public DenialTotals ReadTotals(string? keyId) => _denials.Totals(keyId);

    /// <summary>Reads where a key was used from successfully.</summary>
    /// <param name="keyId">The key's id.</param>
    /// <returns>The sources; none for a key that is unknown or was not used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="keyId"/> is null.</exception>
    public ApiKeySources ReadSources(string keyId)
    {
        ArgumentNullException.ThrowIfNull(keyId);
        return _sources.Read(keyId);
    }

    /// <summary>Suggests a list for a key from where it was used from.</summary>
    /// <param name="keyId">The key's id.</param>
    /// <param name="window">How far to look back.</param>
    /// <returns>The suggestion.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="keyId"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="window"/> is not positive.</exception>
    public AllowlistSuggestion Suggest(string keyId, TimeSpan window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        return SuggestionRules.Suggest(ReadSources(keyId), window, _time.GetUtcNow());
    }
}
