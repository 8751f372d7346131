using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>The entries that were in use and about to expire at the last examination of all keys.</summary>
internal sealed class ExpiringEntriesFound
{
    private volatile IReadOnlyList<(string KeyId, EntryExpiringInUse Entry)> _all = [];

    /// <summary>The entries with the ids of their keys; replaced as a whole.</summary>
    public IReadOnlyList<(string KeyId, EntryExpiringInUse Entry)> All
    {
        get => _all;
        set => _all = value;
    }
}
