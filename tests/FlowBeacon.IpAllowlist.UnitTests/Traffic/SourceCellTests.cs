using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>One address's uses of one key: exact as long as they are few, cheap when they are many.</summary>
public sealed class SourceCellTests
{
    [Fact]
    public void Remembers_the_first_and_the_last_time()
    {
        var cell = new SourceCell(ObservedTraffic.From("198.51.100.9"), now: 100);
        cell.Count.Should().Be(0, "it is made before the use is counted");

        cell.Seen(100);
        cell.Seen(100);
        cell.Seen(175);

        cell.FirstSeen.Should().Be(100);
        cell.LastSeen.Should().Be(175);
        cell.Count.Should().Be(3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Counts_the_first_256_uses_exactly_from_any_thread(int threads)
    {
        const int Cells = 200;
        SourceCell[] cells = [.. Enumerable.Range(0, Cells).Select(_ => new SourceCell(ObservedTraffic.From("198.51.100.9"), now: 100))];
        using var start = new Barrier(threads);

        Thread[] users = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            start.SignalAndWait();
            foreach (SourceCell cell in cells)
            {
                for (int use = 0; use < SourceCell.ExactUpTo / threads; use++)
                {
                    cell.Seen(100);
                }
            }
        }))];
        Array.ForEach(users, user => user.Start());
        Array.ForEach(users, user => user.Join());

        cells.Should().OnlyContain(cell => cell.Count == 256);
    }

    /// <summary>The count of one cell strays by 5 % (standard deviation), the mean of these by less than 1 %.</summary>
    [Fact]
    public void Counts_many_uses_to_within_a_quarter_and_right_on_average()
    {
        const int Cells = 32;
        const int Uses = 200_000;
        long[] counts = [.. Enumerable.Range(0, Cells).Select(_ =>
        {
            var cell = new SourceCell(ObservedTraffic.From("198.51.100.9"), now: 100);
            for (int use = 0; use < Uses; use++)
            {
                cell.Seen(100);
            }

            return cell.Count;
        })];

        counts.Average().Should().BeApproximately(Uses, 0.05 * Uses);
        counts.Should().OnlyContain(count => count > 0.7 * Uses && count < 1.3 * Uses);
    }
}
