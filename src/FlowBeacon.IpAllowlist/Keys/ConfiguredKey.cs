namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>A key from configuration with the notes of its entries.</summary>
/// <param name="Key">The key as the request path sees it.</param>
/// <param name="Notes">The notes of entries of its list, by the canonical text of the entry, without empty ones.</param>
internal sealed record ConfiguredKey(ApiKey Key, IReadOnlyDictionary<string, string> Notes)
{
    /// <summary>Whether two keys have equal values, notes included.</summary>
    public bool Equals(ConfiguredKey? other) =>
        other is not null && Key.Equals(other.Key) && Notes.Count == other.Notes.Count
        && Notes.All(note => other.Notes.TryGetValue(note.Key, out string? theirs) && theirs == note.Value);

    public override int GetHashCode() => Key.GetHashCode();
}
