using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.UnitTests.Common;

public sealed class StripedCountersTests
{
    [Fact]
    public void Loses_no_count_of_many_threads_and_mixes_up_no_two_counters()
    {
        var counters = new StripedCounters(18);

        Parallel.For(0, 8, thread =>
        {
            for (int count = 0; count < 100_000; count++)
            {
                counters.Increment(thread % 18);
                counters.Increment(17);
            }
        });

        Enumerable.Range(0, 18).Select(counters.Read).Should().Equal(
            Enumerable.Range(0, 18).Select(counter => counter < 8 ? 100_000L : counter == 17 ? 800_000L : 0L));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    public void Counts_the_first_and_the_last_counter(int count)
    {
        var counters = new StripedCounters(count);

        counters.Increment(0);
        counters.Increment(count - 1);

        (counters.Read(0) + (count == 1 ? 0 : counters.Read(count - 1))).Should().Be(2);
    }
}
