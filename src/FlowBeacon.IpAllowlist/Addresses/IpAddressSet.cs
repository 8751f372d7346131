using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist;

/// <summary>An immutable set of single IPv4 and IPv6 addresses: a key's allowlist.</summary>
/// <remarks>
/// Every spelling of an address is the same member; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address.
/// <c>0.0.0.0</c> and <c>::</c> are ordinary addresses, never wildcards. Two sets with the same members are equal.
/// </remarks>
public sealed class IpAddressSet : IEquatable<IpAddressSet>
{
    // Most lists are a few IPv4 addresses. They are stored in the object itself, because there may be millions of keys.
    private readonly FewIPv4 _few;
    private readonly int _fewCount;
    private readonly Many? _many;

    private IpAddressSet(uint[] sortedIPv4, UInt128[] sortedIPv6)
    {
        if (sortedIPv4.Length <= FewIPv4.Length && sortedIPv6.Length == 0)
        {
            _fewCount = sortedIPv4.Length;
            sortedIPv4.CopyTo(_few);
        }
        else
        {
            _many = new Many(sortedIPv4, sortedIPv6);
        }
    }

    /// <summary>The set without addresses. As a key's allowlist it turns the check off for that key.</summary>
    public static IpAddressSet Empty { get; } = new([], []);

    /// <summary>
    /// Stands for a stored list that cannot be read. It contains nothing and, unlike <see cref="Empty"/>, does not turn the check off: a
    /// key with it is denied from everywhere, in every mode.
    /// </summary>
    public static IpAddressSet Unreadable { get; } = new([], []);

    /// <summary>Whether this is <see cref="Unreadable"/>.</summary>
    public bool IsUnreadable => ReferenceEquals(this, Unreadable);

    /// <summary>The number of different addresses. Only a readable set with none turns the check off.</summary>
    public int Count => _many is null ? _fewCount : _many.IPv4.Length + _many.IPv6.Length;

    /// <summary>Reads a list of addresses, each one IPv4 or IPv6 address and nothing around it.</summary>
    /// <param name="entries">The texts. Different spellings of one address become one member.</param>
    /// <returns>The set; <see cref="Empty"/> for an empty list.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    /// <exception cref="FormatException">At least one entry is refused; the message lists every one with its place and remedy.</exception>
    public static IpAddressSet Parse(IEnumerable<string?> entries) =>
        TryParse(entries, out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors)
            ? set
            : throw new FormatException(string.Join(Environment.NewLine, errors.Select(error => $"[{error.Index}]: {error.Message}")));

    /// <summary>Reads a list of addresses and collects every fault.</summary>
    /// <param name="entries">The texts. Different spellings of one address become one member.</param>
    /// <param name="set">The set, or null when any entry is refused: a list is never read in part.</param>
    /// <param name="errors">One error for each refused entry; empty on success.</param>
    /// <returns>Whether every entry was accepted.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="entries"/> is null.</exception>
    public static bool TryParse(
        IEnumerable<string?> entries, [NotNullWhen(true)] out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors)
    {
        ArgumentNullException.ThrowIfNull(entries);

        var ipv4 = new SortedSet<uint>();
        var ipv6 = new SortedSet<UInt128>();
        var refused = new List<IpAddressError>();
        int index = 0;
        foreach (string? entry in entries)
        {
            if (!IpAddressParser.TryParse(entry, out IpAddressValue address))
            {
                refused.Add(new IpAddressError { Index = index, Message = IpAddressErrorMessage.For(entry) });
            }
            else if (address.IsIPv4)
            {
                ipv4.Add(address.IPv4Bits);
            }
            else
            {
                ipv6.Add(address.Bits);
            }

            index++;
        }

        errors = refused;
        set = refused.Count > 0 ? null : ipv4.Count + ipv6.Count == 0 ? Empty : new IpAddressSet([.. ipv4], [.. ipv6]);
        return set is not null;
    }

    /// <summary>
    /// Reads one entry as a list's entries are read: one IPv4 or IPv6 address and nothing around it. What is refused is explained.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="address">
    /// The address, an IPv4-mapped one as IPv4; null if the text is refused. Its <c>ToString()</c> is the entry's canonical text.
    /// </param>
    /// <param name="message">
    /// What is wrong and what to write instead, with the text bounded and escaped, such as
    /// <c>'10.0.0.0/8' is a CIDR range; list each address</c>; null if the text is accepted.
    /// </param>
    /// <returns>Whether the text is an entry.</returns>
    public static bool TryParseEntry(
        string? text, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? message)
    {
        bool isAccepted = IpAddressParser.TryParse(text, out IpAddressValue value);
        address = isAccepted ? value.ToIPAddress() : null;
        message = isAccepted ? null : IpAddressErrorMessage.For(text);
        return isAccepted;
    }

    /// <summary>
    /// Reads a list that a store has kept, of any length: <see cref="Unreadable"/> where anything of it cannot be read, so that damage
    /// denies and never turns a check off.
    /// </summary>
    /// <param name="entries">
    /// The texts as they are stored; null if there is no list where one should be, which is a fault and not an empty list.
    /// </param>
    /// <param name="errors">The faults, to be logged; empty if the list was read.</param>
    /// <returns>The set, or <see cref="Unreadable"/>. <see cref="Empty"/> only for a list that is there and has no entries.</returns>
    public static IpAddressSet ReadStored(IEnumerable<string?>? entries, out IReadOnlyList<IpAddressError> errors)
    {
        if (entries is null)
        {
            errors = [new IpAddressError
            {
                Index = IpAddressError.WholeList,
                Message = "there is no list; an empty one is stored as a list without entries",
            }];
            return Unreadable;
        }

        return TryParse(entries, out IpAddressSet? set, out errors) ? set : Unreadable;
    }

    /// <summary>Whether an address is a member.</summary>
    /// <param name="address">Any address; an IPv4-mapped one counts as the IPv4 address, a scope id does not matter.</param>
    /// <returns>True if it is a member. The empty set contains nothing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="address"/> is null.</exception>
    public bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Contains(IpAddressValue.From(address));
    }

    /// <summary>The members as canonical text (IPv6 as RFC 5952 has it): IPv4 in ascending order, then IPv6.</summary>
    /// <returns>A new array.</returns>
    public string[] ToCanonicalStrings() => [.. Addresses.Select(address => address.ToString())];

    /// <inheritdoc/>
    public bool Equals(IpAddressSet? other) =>
        other is not null && IsUnreadable == other.IsUnreadable && IPv4.SequenceEqual(other.IPv4) && IPv6.SequenceEqual(other.IPv6);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as IpAddressSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(MemoryMarshal.AsBytes(IPv4));
        hash.AddBytes(MemoryMarshal.AsBytes(IPv6));
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

    /// <summary>The members: IPv4 in ascending order, then IPv6.</summary>
    internal IReadOnlyList<IpAddressValue> Addresses
    {
        get
        {
            var addresses = new List<IpAddressValue>(Count);
            foreach (uint bits in IPv4)
            {
                addresses.Add(IpAddressValue.FromIPv4(bits));
            }

            foreach (UInt128 bits in IPv6)
            {
                addresses.Add(new IpAddressValue(bits));
            }

            return addresses;
        }
    }

    private ReadOnlySpan<uint> IPv4 => _many is null ? ((ReadOnlySpan<uint>)_few)[.._fewCount] : _many.IPv4;

    private ReadOnlySpan<UInt128> IPv6 => _many is null ? [] : _many.IPv6;

    internal bool Contains(IpAddressValue address) => _many is not null
        ? _many.Contains(address)
        : address.IsIPv4 && ((ReadOnlySpan<uint>)_few)[.._fewCount].Contains(address.IPv4Bits);

    [InlineArray(Length)]
    private struct FewIPv4
    {
        public const int Length = 4;

        private uint _first;
    }

    /// <summary>More addresses than fit into the object, or IPv6 among them.</summary>
    private sealed class Many(uint[] sortedIPv4, UInt128[] sortedIPv6)
    {
        /// <summary>Up to this many addresses of a family, a scan over neighbouring memory beats hashing.</summary>
        private const int MaxScanLength = 32;

        private readonly FrozenSet<uint>? _hashedIPv4 = sortedIPv4.Length > MaxScanLength ? sortedIPv4.ToFrozenSet() : null;
        private readonly FrozenSet<UInt128>? _hashedIPv6 = sortedIPv6.Length > MaxScanLength ? sortedIPv6.ToFrozenSet() : null;

        public uint[] IPv4 { get; } = sortedIPv4;

        public UInt128[] IPv6 { get; } = sortedIPv6;

        public bool Contains(IpAddressValue address)
        {
            if (address.IsIPv4)
            {
                return _hashedIPv4 is null ? IPv4.AsSpan().Contains(address.IPv4Bits) : _hashedIPv4.Contains(address.IPv4Bits);
            }

            return _hashedIPv6 is null ? IPv6.AsSpan().Contains(address.Bits) : _hashedIPv6.Contains(address.Bits);
        }
    }
}
