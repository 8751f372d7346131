using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Reads a requested list, compared with the key's current one.</summary>
/// <param name="ranges">Which ranges new entries may be; null if none.</param>
/// <param name="keyPrefix">How the host's raw keys begin.</param>
/// <param name="maxEntries">The most entries of a list.</param>
/// <param name="time">The time.</param>
internal sealed class AllowlistReader(CidrRangeBounds? ranges, string keyPrefix, int maxEntries, TimeProvider time)
{
    /// <summary>The key with the requested list: the same object if the list is unchanged or an item is refused.</summary>
    /// <param name="items">The items.</param>
    /// <param name="key">The key.</param>
    /// <param name="isKeyKnown">
    /// Whether it is the key that the list is for. Otherwise a range, or an expiry in the past, is no fault: that key may have it already.
    /// </param>
    /// <param name="errors">Where faults are put, by their places in the list.</param>
    public ApiKeyDetails Read(IReadOnlyList<AllowlistItem> items, ApiKeyDetails key, bool isKeyKnown, FieldErrors errors)
    {
        Dictionary<string, Entry> present = EntriesOf(key);
        var read = new Dictionary<string, Entry>(StringComparer.Ordinal);
        DateTimeOffset now = time.GetUtcNow();
        bool isRefused = false;
        for (int index = 0; index < items.Count; index++)
        {
            string field = $"{nameof(NewApiKey.AllowedIps)}[{index}]";
            if (ReadItem(items[index], field, present, now, isKeyKnown, errors) is not { } entry)
            {
                isRefused = true;
            }
            else if (!read.TryAdd(entry.Details.Ip, entry) && read[entry.Details.Ip] != entry)
            {
                errors.Add(field, $"{entry.Details.Ip} is listed with two notes or expiries; list it once");
                isRefused = true;
            }
        }

        CheckSize(read.Count, errors);
        return isRefused ? key : With(key, read);
    }

    /// <summary>
    /// The key with an entry more, which a recovery made, or with its entry renewed. If the list is full, expired entries of recoveries
    /// make room. An entry that a person added stays one.
    /// </summary>
    public ApiKeyDetails WithRecovery(ApiKeyDetails key, string ip, string note, TimeSpan lifetime, FieldErrors errors)
    {
        Dictionary<string, Entry> entries = EntriesOf(key);
        DateTimeOffset now = time.GetUtcNow();
        AllowlistEntryDetails details = entries.GetValueOrDefault(ip)?.Details
            ?? new AllowlistEntryDetails { Ip = ip, AddedAt = now, IsFromRecovery = true };
        entries[ip] = new Entry(details with { Note = note }, now + lifetime);
        Entry[] expired = [.. entries.Values
            .Where(entry => entry.Details.IsFromRecovery && entry.ExpiresAt <= now)
            .OrderBy(entry => entry.ExpiresAt)
            .Take(Math.Max(0, entries.Count - maxEntries))];
        foreach (Entry entry in expired)
        {
            entries.Remove(entry.Details.Ip);
        }

        CheckSize(entries.Count, errors);
        return With(key, entries);
    }

    private Entry? ReadItem(
        AllowlistItem? item, string field, Dictionary<string, Entry> present, DateTimeOffset now, bool isKeyKnown, FieldErrors errors)
    {
        bool isAllowed = IpAddressSet.TryParseEntry(item?.Ip, ranges, out string? ip, out string? fault);
        if (!isAllowed
            && (!IpAddressSet.TryParseEntry(item?.Ip, CidrRangeBounds.Widest, out ip, out _) || (isKeyKnown && !present.ContainsKey(ip))))
        {
            errors.Add(field, fault!);
            return null;
        }

        Entry? before = present.GetValueOrDefault(ip!);
        DateTimeOffset? addedAt = before is null ? now : before.Details.AddedAt;
        if (item!.KeepsNoteAndExpiry)
        {
            return before ?? new Entry(new AllowlistEntryDetails { Ip = ip!, AddedAt = addedAt }, ExpiresAt: null);
        }

        DateTimeOffset? expiresAt = item.ExpiresAt?.ToUniversalTime();
        bool isNoteRead = KeyNameRules.TryReadNote(item.Note ?? "", keyPrefix, out string note, out string? noteFault);
        bool isExpiryPast = isKeyKnown && expiresAt <= now && expiresAt != before?.ExpiresAt;
        if (!isNoteRead)
        {
            errors.Add($"{field}.{nameof(item.Note)}", noteFault!);
        }

        if (isExpiryPast)
        {
            errors.Add($"{field}.{nameof(item.ExpiresAt)}", "must be in the future");
        }

        if (!isNoteRead || isExpiryPast)
        {
            return null;
        }

        // A changed entry of a recovery becomes an ordinary one. Writing it back unchanged keeps it.
        return before is not null && before.Details.Note == note && before.ExpiresAt == expiresAt
            ? before
            : new Entry(new AllowlistEntryDetails { Ip = ip!, Note = note, AddedAt = addedAt }, expiresAt);
    }

    private void CheckSize(int count, FieldErrors errors)
    {
        if (count > maxEntries)
        {
            errors.Add(nameof(NewApiKey.AllowedIps), $"has {count} entries; at most {maxEntries} are allowed");
        }
    }

    private static Dictionary<string, Entry> EntriesOf(ApiKeyDetails key) => key.DescribeEntries().ToDictionary(
        entry => entry.Details.Ip, entry => new Entry(entry.Details, entry.ExpiresAt), StringComparer.Ordinal);

    private static ApiKeyDetails With(ApiKeyDetails key, Dictionary<string, Entry> entries)
    {
        IpAddressSet.TryParse(
            entries.Values.Select(entry => new IpAllowlistEntry { Text = entry.Details.Ip, ExpiresAt = entry.ExpiresAt }),
            CidrRangeBounds.Widest, out IpAddressSet? list, out _);
        AllowlistEntryDetails[] details = [.. list!.Entries.Select(entry => entries[entry.Text].Details)];
        return list.Equals(key.Key.AllowedIps) && details.SequenceEqual(key.DescribeEntries().Select(entry => entry.Details))
            ? key
            : key with { Key = key.Key with { AllowedIps = list }, Entries = details };
    }

    private sealed record Entry(AllowlistEntryDetails Details, DateTimeOffset? ExpiresAt);
}
