using System.Collections.Immutable;
using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The bounded record of who was denied, and who would have been. In this process's memory.</summary>
/// <remarks>
/// A request never waits here. It leaves a note on a lock-free stack; if nobody is writing the notes down, it does so itself, and if
/// somebody is, the note waits for the next request or reader. Only people who read the record wait, for each other and for the writer.
/// </remarks>
internal sealed class DenialRecord(CoarseClock clock) : IRecentDenials
{
    /// <summary>The most keys whose denials are held; beyond, the least recently denied key's leave.</summary>
    public const int MostKeys = 1_024;

    /// <summary>The same for keys that asked the health endpoint from a foreign address.</summary>
    public const int MostHealthKeys = 256;

    /// <summary>The most notes that wait for the writer; further denials are only counted.</summary>
    private const int MostWaiting = 8_192;

    /// <summary>How long a denial counts as recent when a key is recovered.</summary>
    private const uint RecentSeconds = 60 * 60;

    /// <summary>One character more than is shown, so that it shows that something is left out.</summary>
    private const int LongestText = PrintableText.LongestShown + 1;

    private readonly Lock _writing = new();
    private readonly int[] _pairsSeen = new int[4_096];
    private ImmutableDictionary<string, KeyDenials> _byKey = ImmutableDictionary.Create<string, KeyDenials>(StringComparer.Ordinal);

    // Apart, so that whoever asks the health endpoint can push no denial out.
    private ImmutableDictionary<string, KeyDenials> _healthByKey = ImmutableDictionary.Create<string, KeyDenials>(StringComparer.Ordinal);
    private DenialNote? _newest;
    private int _waiting;

    /// <summary>Puts a denial on record.</summary>
    /// <returns>Whether it is the first denial of this key from this address, as far as is remembered.</returns>
    public bool Add(DenialOccurrence denial)
    {
        ref ImmutableDictionary<string, KeyDenials> byKey = ref denial.IsHealth ? ref _healthByKey : ref _byKey;
        KeyDenials key = ImmutableInterlocked.GetOrAdd(ref byKey, denial.KeyId, static (id, now) => new KeyDenials(id, now), clock.Now);
        key.Count(denial.IsReportOnly);

        // Half of the room is for denials alone.
        if (Interlocked.Increment(ref _waiting) > (denial.IsHealth ? MostWaiting / 2 : MostWaiting) && !TryWriteDown())
        {
            Interlocked.Decrement(ref _waiting);
            key.CountNotRecorded();
        }
        else
        {
            Leave(new DenialNote
            {
                Key = key,
                IsReportOnly = denial.IsReportOnly,
                IsHealth = denial.IsHealth,
                Client = denial.Client,
                Reason = denial.Reason,
                Method = Bounded(denial.Method),
                Path = Bounded(denial.Path),
                At = clock.Now,
            });
        }

        return !denial.IsHealth && IsFirstOfPair(HashCode.Combine(key.KeyId, denial.Client.Address, denial.Reason, denial.IsReportOnly));
    }

    /// <inheritdoc/>
    public bool WasRecentlyDenied(string keyId, IPAddress address)
    {
        lock (_writing)
        {
            WriteDown();
            return _byKey.TryGetValue(keyId, out KeyDenials? key)
                && key.Denials.Find(IpAddressValue.From(address), IpAllowlistDenialReason.NotListed) is { } row
                && row.Last!.At + RecentSeconds >= clock.Now;
        }
    }

    /// <summary>Reads the record: one item for each key, address and reason, the last denied first.</summary>
    public IReadOnlyList<Denial> Read(DenialQuery query)
    {
        IpAddressValue? address = query.ClientIp is null ? null : IpAddressValue.From(query.ClientIp);
        long? since = query.Since?.ToUnixTimeSeconds();
        lock (_writing)
        {
            WriteDown();
            return [.. Keys(_byKey, query.KeyId)
                .Concat(Keys(_healthByKey, query.KeyId))
                .SelectMany(key => key.Denials.Rows.Concat(key.Rehearsals.Rows))
                .Where(row => address is null || (row.Last!.Client.IsKnown && row.Last.Client.Address == address))
                .Where(row => since is null || row.Last!.At >= since)
                .OrderByDescending(row => row.Last!.At)
                .Take(query.Limit)
                .Select(Show)];
        }
    }

    /// <summary>Reads exact numbers of denials.</summary>
    /// <param name="keyId">Only this key's; null for all that are held.</param>
    public DenialTotals Totals(string? keyId)
    {
        DenialTotals[] totals = [.. Keys(_byKey, keyId).Select(key => key.Totals)];
        return new DenialTotals(totals.Sum(key => key.Denied), totals.Sum(key => key.WouldDeny), totals.Sum(key => key.NotRecorded));
    }

    /// <summary>For each key that was denied since an instant, the last client it was denied to.</summary>
    public IReadOnlyList<DenialNote> LastOfEachKey(uint since)
    {
        lock (_writing)
        {
            WriteDown();
            return [.. _byKey.Values.Select(key => key.Last).OfType<DenialNote>().Where(note => note.At >= since)];
        }
    }

    private static IEnumerable<KeyDenials> Keys(ImmutableDictionary<string, KeyDenials> byKey, string? keyId) =>
        keyId is null ? byKey.Values : byKey.TryGetValue(keyId, out KeyDenials? key) ? [key] : [];

    private void Leave(DenialNote note)
    {
        // Asked of what was found, not of the note: once it is on the stack, its writer may already have changed it.
        DenialNote? newest = Volatile.Read(ref _newest);
        DenialNote? expected;
        do
        {
            note.Earlier = expected = newest;
            newest = Interlocked.CompareExchange(ref _newest, note, expected);
        }
        while (newest != expected);

        TryWriteDown();
    }

    /// <summary>Writes down what waits, unless somebody else is writing. Once: a flood shall not keep one request writing for all others.</summary>
    private bool TryWriteDown()
    {
        if (!_writing.TryEnter())
        {
            return false;
        }

        try
        {
            WriteDown();
            return true;
        }
        finally
        {
            _writing.Exit();
        }
    }

    /// <summary>Writes down what waits, in the order in which it happened.</summary>
    private void WriteDown()
    {
        DenialNote? note = Interlocked.Exchange(ref _newest, null);
        DenialNote? oldest = null;
        while (note is not null)
        {
            (note.Earlier, oldest, note) = (oldest, note, note.Earlier);
        }

        while (oldest is not null)
        {
            (note, oldest) = (oldest, oldest.Earlier);
            note.Earlier = null;
            Interlocked.Decrement(ref _waiting);
            note.Key.WriteDown(note);
        }

        Trim(ref _byKey, MostKeys);
        Trim(ref _healthByKey, MostHealthKeys);
    }

    private static void Trim(ref ImmutableDictionary<string, KeyDenials> byKey, int most)
    {
        while (byKey.Count > most)
        {
            ImmutableInterlocked.TryRemove(ref byKey, byKey.Values.MinBy(key => key.LastAt)!.KeyId, out _);
        }
    }

    /// <summary>Remembers a few thousand pairs without a lock; a forgotten one counts as new again.</summary>
    private bool IsFirstOfPair(int pair)
    {
        ref int seen = ref _pairsSeen[(uint)pair % (uint)_pairsSeen.Length];
        if (Volatile.Read(ref seen) == pair)
        {
            return false;
        }

        Volatile.Write(ref seen, pair);
        return true;
    }

    private static string Bounded(string? text) => text is null ? "" : text.Length <= LongestText ? text : text[..LongestText];

    private static Denial Show(DenialRow row)
    {
        DenialNote last = row.Last!;
        return new Denial
        {
            KeyId = last.Key.KeyId,
            ClientIp = last.Client.IsKnown ? last.Client.Address.ToString() : null,
            Reason = last.Reason,
            ClientIpOrigin = last.Client.Origin,
            Hop = last.Client.Hop == 0 ? null : last.Client.Hop,
            IsReportOnly = last.IsReportOnly,
            IsHealth = last.IsHealth,
            Count = row.Count,
            CountError = row.CountError,
            FirstSeen = CoarseClock.ToInstant(row.FirstSeen),
            LastSeen = CoarseClock.ToInstant(last.At),
            LastMethod = PrintableText.Cut(last.Method),
            LastPath = PrintableText.Cut(last.Path),
        };
    }
}
