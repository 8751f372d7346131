using System.Globalization;
using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Sets with ranges and expiries against a slow matcher that compares zeros and ones, entry by entry.</summary>
public sealed class IpAddressSetRangeProperties
{
    private const int MinPairs = 1_000_000;

    private static readonly DateTimeOffset Start = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>From a small pool, so that networks nest and meet, to the whole address space.</summary>
    private static readonly Gen<ushort[]> Groups = Gen.Frequency(
        (2, Gen.UShort[0, 1023].Select(low => new ushort[] { 0, 0, 0, 0, 0, 0xffff, 0x2a2a, low })),
        (2, Gen.UShort[0, 1023].Select(low => new ushort[] { 0x2a00, 0, 0, 0, 0, 0, 0, low })),
        (1, Gen.UShort[0, 1023].Select(low => new ushort[] { 0, 0, 0, 0, 0, 0, 0x2a2a, low })),
        (1, Gen.OneOf<ushort>(0, 0xffff).Select(all => Enumerable.Repeat(all, 8).ToArray())),
        (1, Gen.OneOf<ushort>(0, 0xffff).Select(all => new ushort[] { 0, 0, 0, 0, 0, 0xffff, all, all })),
        (3, AddressGen.Groups));

    private static readonly Gen<(SpelledNetwork Network, DateTimeOffset? ExpiresAt)> Entry = Gen.Select(
        AddressGen.Networks(Groups),
        Gen.Frequency(
            (1, Gen.Const((DateTimeOffset?)null)), (2, Gen.Int[0, 4].Select(hours => (DateTimeOffset?)Start.AddHours(hours)))));

    private static readonly Gen<(SpelledNetwork Network, DateTimeOffset? ExpiresAt)[]> Entries =
        Entry.Array[1, 30].Select(entries => entries.DistinctBy(entry => (entry.Network.Start.Hex, entry.Network.PrefixLength)).ToArray());

    /// <summary>An address near one of the entries, or far from all: which entry, how it is near, and a bit or another address.</summary>
    private static readonly Gen<(int Entry, int Kind, int Bit, ushort[] Other)> Probe =
        Gen.Select(Gen.Int[0, 1_000], Gen.Int[0, 8], Gen.Int[0, 127], Groups);

    [Fact]
    public void Agrees_with_the_slow_matcher_on_a_million_pairs_of_entry_and_address()
    {
        long pairs = 0;
        Gen.Select(Entries, Probe.Array[20, 60]).Sample(
            (entries, probes) =>
            {
                IpAddressSet set = Read(entries);
                Slow[] slow = [.. entries.Select(entry => new Slow(entry.Network, entry.ExpiresAt))];
                foreach (var probe in probes)
                {
                    string hex = Near(entries[probe.Entry % entries.Length].Network, probe.Kind, probe.Bit, probe.Other);
                    Compare(set, slow, hex);
                }

                Interlocked.Add(ref pairs, (long)entries.Length * probes.Length);
            },
            iter: 4_000);

        pairs.Should().BeGreaterThan(MinPairs);
    }

    [Fact]
    public void A_single_range_contains_exactly_the_addresses_of_its_family_with_its_prefix() =>
        Gen.Select(AddressGen.Networks(Groups), Probe.Array[8]).Sample(
            (network, probes) =>
            {
                (SpelledNetwork, DateTimeOffset?)[] entries = [(network, null)];
                IpAddressSet set = Read(entries);
                foreach (var probe in probes)
                {
                    Compare(set, [new Slow(network, null)], Near(network, probe.Kind, probe.Bit, probe.Other));
                }
            },
            iter: 20_000);

    [Fact]
    public void Equals_the_set_read_back_from_its_entries_in_any_order() =>
        Entries.Sample(
            entries =>
            {
                IpAddressSet set = Read(entries);

                IpAddressSet again = IpAddressSet.ReadStored(set.Entries.Reverse(), out _);

                again.Should().Be(set);
                again.GetHashCode().Should().Be(set.GetHashCode());
                again.Entries.Should().Equal(set.Entries);
                set.Count.Should().Be(entries.Length);
                set.Entries.Select(entry => entry.Text).Should().Equal(set.ToCanonicalStrings());
            },
            iter: 2_000);

    [Fact]
    public void Covers_no_set_that_admits_an_address_it_denies() =>
        Gen.Select(Entries, Entries, Probe.Array[20]).Sample(
            (left, right, probes) =>
            {
                (SpelledNetwork Network, DateTimeOffset? ExpiresAt)[] few = [.. right.Take(2)];
                IpAddressSet one = Read(left);
                IpAddressSet other = Read(few);
                if (one.Covers(other, DateTimeOffset.MinValue))
                {
                    foreach (var probe in probes)
                    {
                        IpAddressValue address = Value(Near(few[probe.Entry % few.Length].Network, probe.Kind, probe.Bit, probe.Other));
                        one.ListedUntil(address).Should().BeGreaterThanOrEqualTo(other.ListedUntil(address));
                    }
                }

                one.Covers(one, DateTimeOffset.MinValue).Should().BeTrue();
            },
            iter: 3_000);

    private static void Compare(IpAddressSet set, Slow[] slow, string hex)
    {
        var address = new SpelledAddress("", hex);
        string bits = ReferenceAddressParser.Bits(hex);
        Slow[] matching = [.. slow.Where(entry => entry.Holds(address, bits))];
        bool isListed = matching.Length > 0;
        DateTimeOffset? latest = matching.All(entry => entry.ExpiresAt is not null) ? matching.Max(entry => entry.ExpiresAt) : null;
        long until = set.ListedUntil(Value(hex));
        bool agrees = set.Contains(address.Address) == isListed && set.Contains(address.Address128) == isListed
            && (isListed ? until != Expiry.NotListed && Expiry.ToInstant(until) == latest : until == Expiry.NotListed);
        DateTimeOffset instant = latest ?? Start;
        foreach (DateTimeOffset now in new[] { instant.AddTicks(-1), instant, instant.AddTicks(1) })
        {
            bool isAdmitted = matching.Any(entry => entry.ExpiresAt is null || now < entry.ExpiresAt);
            agrees &= set.Contains(address.Address, now) == isAdmitted && set.Contains(address.Address128, now) == isAdmitted;
        }

        if (!agrees)
        {
            Assert.Fail($"{set} is asked for {address.Address}: expected {isListed}, until {latest:O}");
        }
    }

    private static IpAddressSet Read((SpelledNetwork Network, DateTimeOffset? ExpiresAt)[] entries)
    {
        IpAddressSet set = IpAddressSet.ReadStored(
            entries.Select(entry => new IpAllowlistEntry { Text = entry.Network.Text, ExpiresAt = entry.ExpiresAt }),
            out IReadOnlyList<IpAddressError> errors);
        errors.Should().BeEmpty();
        return set;
    }

    private static string Near(SpelledNetwork network, int kind, int bit, ushort[] other)
    {
        UInt128 start = Value(network.Start.Hex).Bits;
        UInt128 host = network.PrefixLength == 128 ? 0 : UInt128.MaxValue >> network.PrefixLength;
        UInt128 random = Value(string.Concat(other.Select(group => $"{group:x4}"))).Bits;
        UInt128 near = kind switch
        {
            0 => random,
            1 => start,
            2 => start | host,
            3 => unchecked(start - 1),
            4 => unchecked((start | host) + 1),
            5 => start | (random & host),
            6 => (start | (random & host)) ^ (UInt128.One << bit),
            7 => Mapped((uint)(start >> 96)),
            _ => (UInt128)(uint)start << 96,
        };
        return near.ToString("x32", null);
    }

    private static UInt128 Mapped(uint ipv4) => ((UInt128)0xffff << 32) | ipv4;

    private static IpAddressValue Value(string hex) =>
        new(UInt128.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));

    /// <summary>An entry by its family and the zeros and ones of its prefix.</summary>
    private sealed class Slow(SpelledNetwork network, DateTimeOffset? expiresAt)
    {
        private readonly string _prefix = ReferenceAddressParser.Bits(network.Start.Hex)[..network.PrefixLength];

        public DateTimeOffset? ExpiresAt => expiresAt;

        public bool Holds(SpelledAddress address, string bits) =>
            address.IsIPv4 == network.Start.IsIPv4 && bits.StartsWith(_prefix, StringComparison.Ordinal);
    }
}
