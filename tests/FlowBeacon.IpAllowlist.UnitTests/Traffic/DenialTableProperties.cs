using CsCheck;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>The bounded table against a dictionary that counts every address.</summary>
public sealed class DenialTableProperties
{
    /// <summary>Addresses one after the other: one repeated, fresh ones, two in turn, or any of a few.</summary>
    private static readonly Gen<uint[]> Sequences =
        Gen.Select(Gen.Int[0, 3], Gen.UInt[0, 300], Gen.Int[1, 400], Gen.UInt[1, 200].Array[1, 20])
        .Select((kind, address, length, few) => Enumerable.Range(0, length).Select(place => kind switch
        {
            0 => address,
            1 => address + (uint)place,
            2 => address + ((uint)place % 2),
            _ => few[place % few.Length],
        }))
        .Array[0, 20]
        .Select(pieces => pieces.SelectMany(piece => piece).ToArray());

    [Fact]
    public void Keeps_every_frequent_address_and_never_counts_too_little() =>
        Sequences.Sample(
            addresses =>
            {
                var table = new DenialTable();
                for (int place = 0; place < addresses.Length; place++)
                {
                    table.Add(Denial(addresses[place]), (uint)place);
                }

                Dictionary<uint, int> exact = addresses.GroupBy(address => address)
                    .ToDictionary(group => group.Key, group => group.Count());
                Dictionary<uint, DenialRow> rows = table.Rows.ToDictionary(row => row.Last.Client.Address.IPv4Bits);
                rows.Should().HaveCount(Math.Min(exact.Count, DenialTable.MostRows));
                table.Rows.Sum(row => row.Count).Should().Be(addresses.Length);
                foreach ((uint address, DenialRow row) in rows)
                {
                    Check(row.Count >= exact[address] && row.Count - row.CountError <= exact[address], "count", address);
                    Check(row.LastSeen == Array.LastIndexOf(addresses, address), "last", address);
                    Check(row.CountError > 0 || row.FirstSeen == Array.IndexOf(addresses, address), "first", address);
                    Check(row.CountError == 0 || exact.Count > DenialTable.MostRows, "error", address);
                }

                foreach ((uint address, int count) in exact)
                {
                    DenialRow? row = table.Find(ObservedTraffic.From(address).Address, IpAllowlistDenialReason.NotListed);
                    Check(ReferenceEquals(row, rows.GetValueOrDefault(address)), "found", address);
                    Check(row is not null || count * DenialTable.MostRows <= addresses.Length, "held", address);
                }

                static void Check(bool isSo, string what, uint address)
                {
                    if (!isSo)
                    {
                        Assert.Fail($"{what} of {address}");
                    }
                }
            },
            iter: 1_000);

    private static DenialOccurrence Denial(uint address) => new(
        "key", ObservedTraffic.From(address), IpAllowlistDenialReason.NotListed, IsReportOnly: false, IsHealth: false, "GET", "/");
}
