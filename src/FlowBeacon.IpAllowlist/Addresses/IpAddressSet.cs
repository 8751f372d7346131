using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// An immutable set of IPv4 and IPv6 addresses, and of CIDR ranges where a host allows them, each of which may expire: a key's allowlist.
/// </summary>
/// <remarks>
/// All spellings of an address are the same member; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address, and a mapped
/// range the IPv4 range. A range contains addresses of its own family only. <c>0.0.0.0</c> and <c>::</c> are ordinary addresses, never
/// wildcards. An expired entry denies and stays a member, so that a list never turns the check off because all entries expired. Two
/// sets with the same members and expiries are equal.
/// </remarks>
public sealed class IpAddressSet : IEquatable<IpAddressSet>
{
    // Most lists are a few IPv4 addresses. They are stored in the object itself, because there may be millions of keys.
    private readonly FewIPv4 _few;
    private readonly int _fewCount;
    private readonly Many? _many;

    private IpAddressSet(uint[] sortedIPv4, UInt128[] sortedIPv6, IpRanges? ranges)
    {
        if (sortedIPv4.Length <= FewIPv4.Length && sortedIPv6.Length == 0 && ranges is null)
        {
            _fewCount = sortedIPv4.Length;
            sortedIPv4.CopyTo(_few);
        }
        else
        {
            _many = new Many(sortedIPv4, sortedIPv6, ranges);
        }
    }

    /// <summary>The set without addresses. As a key's allowlist it turns the check off for that key.</summary>
    public static IpAddressSet Empty { get; } = new([], [], ranges: null);

    /// <summary>
    /// Represents a stored list that cannot be read. It contains nothing and, unlike <see cref="Empty"/>, does not turn the check off: a
    /// key with it is denied from everywhere, in every mode.
    /// </summary>
    public static IpAddressSet Unreadable { get; } = new([], [], ranges: null);

    /// <summary>Whether this is <see cref="Unreadable"/>.</summary>
    public bool IsUnreadable => ReferenceEquals(this, Unreadable);

    /// <summary>The number of different members, expired ones included. Only a readable set with none turns the check off.</summary>
    public int Count => _many is null ? _fewCount : _many.IPv4.Length + _many.IPv6.Length + RangeEntries.Length;

    /// <summary>
    /// The members in canonical form, expired ones included: IPv4 in ascending order, then IPv6, a range before its sub-ranges and
    /// addresses.
    /// </summary>
    public IReadOnlyList<IpAllowlistEntry> Entries => [.. Members.Select(member => new IpAllowlistEntry
    {
        Text = member.Network.ToString(),
        ExpiresAt = Expiry.ToInstant(member.Until),
    })];

    /// <summary>Reads a list of addresses that do not expire.</summary>
    /// <param name="entries">
    /// The texts, each one IPv4 or IPv6 address without other text. Different spellings of one address become one member.
    /// </param>
    /// <returns>The set; <see cref="Empty"/> for an empty list.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    /// <exception cref="FormatException">At least one entry is refused; the message lists every one with its index and remedy.</exception>
    public static IpAddressSet Parse(IEnumerable<string?> entries) => Parse(entries, ranges: null);

    /// <summary>Reads a list of addresses and ranges that do not expire.</summary>
    /// <param name="entries">
    /// The texts, each one address, or one CIDR range without host bits and other text. Different spellings become one member.
    /// </param>
    /// <param name="ranges">Which ranges are allowed; null if none is.</param>
    /// <returns>The set; <see cref="Empty"/> for an empty list.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    /// <exception cref="FormatException">At least one entry is refused; the message lists every one with its index and remedy.</exception>
    public static IpAddressSet Parse(IEnumerable<string?> entries, CidrRangeBounds? ranges) =>
        TryParse(entries, ranges, out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors)
            ? set
            : throw new FormatException(string.Join(Environment.NewLine, errors.Select(error => $"[{error.Index}]: {error.Message}")));

    /// <summary>Reads a list of addresses that do not expire, and collects every fault.</summary>
    /// <param name="entries">
    /// The texts, each one IPv4 or IPv6 address without other text. Different spellings of one address become one member.
    /// </param>
    /// <param name="set">The set, or null if any entry is refused: a list is never read partially.</param>
    /// <param name="errors">One error for each refused entry; empty on success.</param>
    /// <returns>Whether every entry was accepted.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    public static bool TryParse(
        IEnumerable<string?> entries, [NotNullWhen(true)] out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors) =>
        TryParse(entries, ranges: null, out set, out errors);

    /// <summary>Reads a list of addresses and ranges that do not expire, and collects every fault.</summary>
    /// <param name="entries">
    /// The texts, each one address, or one CIDR range without host bits and other text. Different spellings become one member.
    /// </param>
    /// <param name="ranges">Which ranges are allowed; null if none is.</param>
    /// <param name="set">The set, or null if any entry is refused: a list is never read partially.</param>
    /// <param name="errors">One error for each refused entry; empty on success.</param>
    /// <returns>Whether every entry was accepted.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    [OverloadResolutionPriority(1)] // Of the overloads, [] and null mean this one.
    public static bool TryParse(
        IEnumerable<string?> entries,
        CidrRangeBounds? ranges,
        [NotNullWhen(true)] out IpAddressSet? set,
        out IReadOnlyList<IpAddressError> errors)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return TryRead(entries.Select(text => (text, (DateTimeOffset?)null)), ranges, out set, out errors);
    }

    /// <summary>Reads a list of addresses and ranges that may expire, and collects every fault.</summary>
    /// <param name="entries">
    /// The entries. Different spellings become one member; with different expiries they are refused as ambiguous.
    /// </param>
    /// <param name="ranges">Which ranges are allowed; null if none is.</param>
    /// <param name="set">The set, or null if any entry is refused: a list is never read partially.</param>
    /// <param name="errors">One error for each refused entry; empty on success.</param>
    /// <returns>Whether every entry was accepted.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    public static bool TryParse(
        IEnumerable<IpAllowlistEntry?> entries,
        CidrRangeBounds? ranges,
        [NotNullWhen(true)] out IpAddressSet? set,
        out IReadOnlyList<IpAddressError> errors)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return TryRead(entries.Select(entry => (entry?.Text, entry?.ExpiresAt)), ranges, out set, out errors);
    }

    /// <summary>
    /// Reads one entry as a list's entries are read: one IPv4 or IPv6 address without other text. A refusal is explained.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="address">
    /// The address, an IPv4-mapped one as IPv4; null if the text is refused. Its <c>ToString()</c> is the entry's canonical text.
    /// </param>
    /// <param name="message">
    /// What is wrong and what to write instead, with the text bounded and escaped, such as
    /// <c>'10.0.0.*' is a wildcard; list each address</c>; null if the text is accepted.
    /// </param>
    /// <returns>Whether the text is an entry.</returns>
    public static bool TryParseEntry(
        string? text, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? message)
    {
        message = IpNetworkParser.ParseEntry(text, ranges: null, out IpNetwork entry);
        address = message is null ? entry.Start.ToIPAddress() : null;
        return address is not null;
    }

    /// <summary>Reads one entry as a list's entries are read: an address or a range. A refusal is explained.</summary>
    /// <param name="text">The text.</param>
    /// <param name="ranges">Which ranges are allowed; null if none is.</param>
    /// <param name="canonical">The entry's canonical text; null if the text is refused.</param>
    /// <param name="message">
    /// What is wrong and what to write instead, with the text bounded and escaped; null if the text is accepted.
    /// </param>
    /// <returns>Whether the text is an entry.</returns>
    public static bool TryParseEntry(
        string? text,
        CidrRangeBounds? ranges,
        [NotNullWhen(true)] out string? canonical,
        [NotNullWhen(false)] out string? message)
    {
        message = IpNetworkParser.ParseEntry(text, ranges, out IpNetwork entry);
        canonical = message is null ? entry.ToString() : null;
        return canonical is not null;
    }

    /// <summary>
    /// Reads a stored list of any length. It is <see cref="Unreadable"/> if any part of it cannot be read, so that damage denies and never
    /// turns a check off. Ranges are read and enforced even if new ones are not allowed; only <c>/0</c> counts as damage.
    /// </summary>
    /// <param name="entries">
    /// The texts as they are stored; null if the list is missing, which is a fault and not an empty list.
    /// </param>
    /// <param name="errors">The faults, to be logged; empty if the list was read.</param>
    /// <returns>The set, or <see cref="Unreadable"/>. <see cref="Empty"/> only for an existing list without entries.</returns>
    [OverloadResolutionPriority(1)] // Of the overloads, [] and null mean this one.
    public static IpAddressSet ReadStored(IEnumerable<string?>? entries, out IReadOnlyList<IpAddressError> errors) =>
        ReadStored(entries?.Select(text => (text, (DateTimeOffset?)null)), out errors);

    /// <summary>The same for a list whose entries may expire.</summary>
    /// <param name="entries">
    /// The entries as they are stored, expired ones included; null if the list is missing, which is a fault and not an empty list.
    /// </param>
    /// <param name="errors">The faults, to be logged; empty if the list was read.</param>
    /// <returns>The set, or <see cref="Unreadable"/>. <see cref="Empty"/> only for an existing list without entries.</returns>
    public static IpAddressSet ReadStored(IEnumerable<IpAllowlistEntry?>? entries, out IReadOnlyList<IpAddressError> errors) =>
        ReadStored(entries?.Select(entry => (entry?.Text, entry?.ExpiresAt)), out errors);

    /// <summary>Whether an entry contains an address, expired or not. To decide about a request, pass the time.</summary>
    /// <param name="address">Any address; an IPv4-mapped one counts as the IPv4 address, a scope id is ignored.</param>
    /// <returns>True if it is on the list. The empty set contains nothing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="address"/> is null.</exception>
    public bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Contains(IpAddressValue.From(address));
    }

    /// <summary>Whether an entry that has not expired contains an address.</summary>
    /// <param name="address">Any address; an IPv4-mapped one counts as the IPv4 address, a scope id is ignored.</param>
    /// <param name="now">The time.</param>
    /// <returns>True if the list admits the address at that time. The empty set contains nothing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="address"/> is null.</exception>
    public bool Contains(IPAddress address, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Expiry.IsAhead(ListedUntil(IpAddressValue.From(address)), now);
    }

    /// <summary>
    /// The members as canonical text (IPv6 as in RFC 5952), expired ones included: IPv4 in ascending order, then IPv6, a range before
    /// its sub-ranges and addresses. Without the expiries: a store keeps the <see cref="Entries"/>.
    /// </summary>
    /// <returns>A new array.</returns>
    public string[] ToCanonicalStrings() => [.. Members.Select(member => member.Network.ToString())];

    /// <inheritdoc/>
    public bool Equals(IpAddressSet? other) =>
        other is not null && IsUnreadable == other.IsUnreadable && IPv4.SequenceEqual(other.IPv4) && IPv6.SequenceEqual(other.IPv6)
        && RangeEntries.SequenceEqual(other.RangeEntries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as IpAddressSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(MemoryMarshal.AsBytes(IPv4));
        hash.AddBytes(MemoryMarshal.AsBytes(IPv6));
        foreach (IpListEntry entry in RangeEntries)
        {
            hash.Add(entry);
        }

        return hash.ToHashCode();
    }

    /// <summary>The members, comma-separated, at most the first ten.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString()
    {
        if (IsUnreadable)
        {
            return "unreadable";
        }

        string[] members = ToCanonicalStrings();
        string shown = string.Join(", ", members.Take(10));
        return members.Length <= 10 ? $"[{shown}]" : $"[{shown}, ... {members.Length} in all]";
    }

    /// <summary>The members in canonical order, expired ones included.</summary>
    internal IReadOnlyList<IpListEntry> Members
    {
        get
        {
            var members = new List<IpListEntry>(Count);
            foreach (uint bits in IPv4)
            {
                members.Add(new IpListEntry(IpNetwork.Of(IpAddressValue.FromIPv4(bits)), Expiry.Never));
            }

            foreach (UInt128 bits in IPv6)
            {
                members.Add(new IpListEntry(IpNetwork.Of(new IpAddressValue(bits)), Expiry.Never));
            }

            if (!RangeEntries.IsEmpty)
            {
                members.AddRange(RangeEntries);
                members.Sort(IpListEntry.Canonical);
            }

            return members;
        }
    }

    /// <summary>How many of the members are ranges.</summary>
    internal int RangeCount
    {
        get
        {
            int count = 0;
            foreach (IpListEntry entry in RangeEntries)
            {
                count += entry.Network.IsAddress ? 0 : 1;
            }

            return count;
        }
    }

    private ReadOnlySpan<uint> IPv4 => _many is null ? ((ReadOnlySpan<uint>)_few)[.._fewCount] : _many.IPv4;

    private ReadOnlySpan<UInt128> IPv6 => _many is null ? [] : _many.IPv6;

    private ReadOnlySpan<IpListEntry> RangeEntries => _many?.Ranges is { } ranges ? ranges.Entries : [];

    internal bool Contains(IpAddressValue address) => ListedUntil(address) != Expiry.NotListed;

    /// <summary>Until when an address is listed: the latest expiry of the entries that contain it, see <see cref="Expiry"/>.</summary>
    internal long ListedUntil(IpAddressValue address) => _many is not null ? _many.ListedUntil(address)
        : address.IsIPv4 && ((ReadOnlySpan<uint>)_few)[.._fewCount].Contains(address.IPv4Bits) ? Expiry.Never
        : Expiry.NotListed;

    /// <summary>Whether a member is valid at an instant and expires by a later one.</summary>
    internal bool HasMemberExpiring(DateTimeOffset after, DateTimeOffset until)
    {
        foreach (IpListEntry entry in RangeEntries)
        {
            if (entry.IsExpiring(after, until))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether for each entry of another set there is one here that holds all of it, and as long. Entries that hold it only together do not
    /// count.
    /// </summary>
    internal bool Covers(IpAddressSet other)
    {
        IReadOnlyList<IpListEntry> mine = Members;
        return other.Members.All(theirs => theirs.Network.IsAddress
            ? ListedUntil(theirs.Network.Start) >= theirs.Until
            : mine.Any(entry => entry.Until >= theirs.Until && entry.Network.Contains(theirs.Network)));
    }

    private static bool TryRead(
        IEnumerable<(string? Text, DateTimeOffset? ExpiresAt)> entries,
        CidrRangeBounds? ranges,
        [NotNullWhen(true)] out IpAddressSet? set,
        out IReadOnlyList<IpAddressError> errors)
    {
        var members = new Dictionary<IpNetwork, long>();
        var refused = new List<IpAddressError>();
        int index = 0;
        foreach ((string? text, DateTimeOffset? expiresAt) in entries)
        {
            long until = Expiry.From(expiresAt);
            string? fault = IpNetworkParser.ParseEntry(text, ranges, out IpNetwork network);
            if (fault is null && !members.TryAdd(network, until) && members[network] != until)
            {
                fault = $"{PrintableText.Quote(text!)} is listed with two expiries; list it once";
            }

            if (fault is not null)
            {
                refused.Add(new IpAddressError { Index = index, Message = fault });
            }

            index++;
        }

        errors = refused;
        set = refused.Count > 0 ? null : members.Count == 0 ? Empty : Of(members);
        return set is not null;
    }

    private static IpAddressSet Of(Dictionary<IpNetwork, long> members)
    {
        var ipv4 = new List<uint>();
        var ipv6 = new List<UInt128>();
        var ranges = new List<IpListEntry>();
        foreach ((IpNetwork network, long until) in members)
        {
            if (!network.IsAddress || until != Expiry.Never)
            {
                ranges.Add(new IpListEntry(network, until));
            }
            else if (network.Start.IsIPv4)
            {
                ipv4.Add(network.Start.IPv4Bits);
            }
            else
            {
                ipv6.Add(network.Start.Bits);
            }
        }

        ipv4.Sort();
        ipv6.Sort();
        ranges.Sort(IpListEntry.Canonical);
        return new IpAddressSet([.. ipv4], [.. ipv6], ranges.Count == 0 ? null : new IpRanges([.. ranges]));
    }

    private static IpAddressSet ReadStored(
        IEnumerable<(string? Text, DateTimeOffset? ExpiresAt)>? entries, out IReadOnlyList<IpAddressError> errors)
    {
        if (entries is null)
        {
            errors = [new IpAddressError
            {
                Index = IpAddressError.WholeList,
                Message = "the list is missing; an empty one is stored as a list without entries",
            }];
            return Unreadable;
        }

        return TryRead(entries, CidrRangeBounds.Widest, out IpAddressSet? set, out errors) ? set : Unreadable;
    }

    [InlineArray(Length)]
    private struct FewIPv4
    {
        public const int Length = 4;

        private uint _first;
    }

    /// <summary>Members that do not fit into the object itself: many addresses, IPv6, ranges or expiries.</summary>
    private sealed class Many(uint[] sortedIPv4, UInt128[] sortedIPv6, IpRanges? ranges)
    {
        /// <summary>Up to this many addresses of a family, a linear scan is faster than hashing.</summary>
        private const int MaxScanLength = 32;

        private readonly FrozenSet<uint>? _hashedIPv4 = sortedIPv4.Length > MaxScanLength ? sortedIPv4.ToFrozenSet() : null;
        private readonly FrozenSet<UInt128>? _hashedIPv6 = sortedIPv6.Length > MaxScanLength ? sortedIPv6.ToFrozenSet() : null;

        public uint[] IPv4 { get; } = sortedIPv4;

        public UInt128[] IPv6 { get; } = sortedIPv6;

        public IpRanges? Ranges => ranges;

        public long ListedUntil(IpAddressValue address) => Contains(address) ? Expiry.Never
            : ranges is null ? Expiry.NotListed
            : ranges.ListedUntil(address);

        private bool Contains(IpAddressValue address)
        {
            if (address.IsIPv4)
            {
                return _hashedIPv4 is null ? IPv4.AsSpan().Contains(address.IPv4Bits) : _hashedIPv4.Contains(address.IPv4Bits);
            }

            return _hashedIPv6 is null ? IPv6.AsSpan().Contains(address.Bits) : _hashedIPv6.Contains(address.Bits);
        }
    }
}
