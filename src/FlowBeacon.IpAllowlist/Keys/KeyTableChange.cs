namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>
/// A change of many entries of a <see cref="KeyTable"/> in the making. It sees what it did itself; readers see it once it is published, all
/// of it at once.
/// </summary>
internal sealed class KeyTableChange(KeyTable table)
{
    private readonly Dictionary<int, KeyTableDraft> _drafts = [];

    /// <summary>Puts an object in the place of the one that matches, or adds it.</summary>
    /// <returns>The one that matched; null if there was none.</returns>
    public object? Set<TMatch>(ulong hash, TMatch match, object value)
        where TMatch : struct, IKeyTableMatch => DraftOf(hash).Set(hash, match, value);

    /// <summary>Removes the object that matches.</summary>
    /// <returns>It; null if there was none.</returns>
    public object? Remove<TMatch>(ulong hash, TMatch match)
        where TMatch : struct, IKeyTableMatch => DraftOf(hash).Remove(hash, match);

    public void Publish() => table.Publish(_drafts);

    private KeyTableDraft DraftOf(ulong hash)
    {
        int index = KeyTable.PartOf(hash);
        if (!_drafts.TryGetValue(index, out KeyTableDraft? draft))
        {
            _drafts[index] = draft = KeyTableDraft.Copy(table.Part(index));
        }

        return draft;
    }
}
