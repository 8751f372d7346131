using CsCheck;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>Sets of every size against a hash set of hex digits.</summary>
public sealed class IpAddressSetProperties
{
    /// <summary>From a small pool, so that entries and probes meet, to the whole address space.</summary>
    private static readonly Gen<ushort[]> Groups = Gen.Frequency(
        (1, Gen.Int[0, 500].Select(number => new ushort[] { 0, 0, 0, 0, 0, 0xffff, 0xcb00, (ushort)number })),
        (1, Gen.Int[0, 500].Select(number => new ushort[] { 0x2001, 0xdb8, 0, 0, 0, 0, 0, (ushort)number })),
        (1, Gen.Int[0, 500].Select(number => new ushort[] { 0, 0, 0, 0, 0, 0, 0xcb00, (ushort)number })),
        (1, AddressGen.Groups));

    private static readonly Gen<SpelledAddress[]> Entries = Gen.OneOf(
        AddressGen.Spellings(Groups).Array[0, 6],
        AddressGen.Spellings(Groups).Array[30, 130],
        AddressGen.Spellings(AddressGen.IPv4Groups).Array[30, 36],
        AddressGen.Spellings(Groups).Array[200, 500]);

    [Fact]
    public void Contains_exactly_the_addresses_of_its_entries() =>
        Gen.Select(Entries, AddressGen.Spellings(Groups).Array[50]).Sample(
            (entries, probes) =>
            {
                HashSet<string> expected = [.. entries.Select(entry => entry.Hex)];

                var set = IpAddressSet.Parse(entries.Select(entry => entry.Text));

                set.Count.Should().Be(expected.Count);
                foreach (SpelledAddress probe in entries.Concat(probes))
                {
                    bool isMember = expected.Contains(probe.Hex);
                    if (set.Contains(probe.Address) != isMember || set.Contains(probe.Address128) != isMember)
                    {
                        Assert.Fail($"{probe.Address} ({probe.Text}): expected {isMember}");
                    }
                }
            },
            iter: 500);

    [Fact]
    public void Lists_its_members_once_in_numerical_order_IPv4_first() =>
        Entries.Sample(
            entries =>
            {
                IEnumerable<string> expected = entries.DistinctBy(entry => entry.Hex)
                    .OrderBy(entry => entry.IsIPv4 ? 0 : 1)
                    .ThenBy(entry => entry.Hex, StringComparer.Ordinal)
                    .Select(entry => entry.Address.ToString());

                IpAddressSet.Parse(entries.Select(entry => entry.Text)).ToCanonicalStrings().Should().Equal(expected);
            },
            iter: 500);

    [Fact]
    public void Equals_the_set_read_back_from_its_canonical_strings_in_any_order() =>
        Entries.Sample(
            entries =>
            {
                var set = IpAddressSet.Parse(entries.Select(entry => entry.Text));

                var again = IpAddressSet.Parse(set.ToCanonicalStrings().Reverse());

                again.Should().Be(set);
                again.GetHashCode().Should().Be(set.GetHashCode());
                again.ToCanonicalStrings().Should().Equal(set.ToCanonicalStrings());
            },
            iter: 500);

    [Fact]
    public void Equals_another_set_only_if_the_members_are_the_same() =>
        AddressGen.Spellings(
                Gen.Int[0, 1].Select(number => new ushort[] { 0, 0, 0, 0, 0, (ushort)(number * 0xffff), 0, (ushort)number }))
            .Array[0, 3]
            .Select(AddressGen.Spellings(
                    Gen.Int[0, 1].Select(number => new ushort[] { 0, 0, 0, 0, 0, 0xffff, 0, (ushort)number }))
                .Array[0, 3])
            .Sample(
                (left, right) =>
                {
                    bool isSame = left.Select(entry => entry.Hex).ToHashSet().SetEquals(right.Select(entry => entry.Hex));

                    var one = IpAddressSet.Parse(left.Select(entry => entry.Text));
                    var other = IpAddressSet.Parse(right.Select(entry => entry.Text));

                    one.Equals(other).Should().Be(isSame);
                },
                iter: 2_000);

    [Fact]
    public void Is_read_exactly_if_every_entry_is_an_address() =>
        AddressGen.Text.Array[0, 5].Sample(
            texts =>
            {
                IEnumerable<int> refused = Enumerable.Range(0, texts.Length)
                    .Where(index => ReferenceAddressParser.Read(texts[index]) is null);

                bool isRead = IpAddressSet.TryParse(texts, out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors);

                errors.Select(error => error.Index).Should().Equal(refused);
                isRead.Should().Be(errors.Count == 0);
                (set is not null).Should().Be(isRead);
            },
            iter: 5_000);
}
