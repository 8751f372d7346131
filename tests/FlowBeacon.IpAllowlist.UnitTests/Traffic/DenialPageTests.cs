using CsCheck;
using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>Denials in order, page by page.</summary>
public sealed class DenialPageTests
{
    private static readonly string[] KeyIds = ["a", "b", "b~c", "ключ"];

    private static readonly Gen<(string Key, int Address, bool IsReportOnly, bool IsHealth, bool IsLater)[]> Denials = Gen.Select(
        Gen.Int[0, KeyIds.Length - 1].Select(index => KeyIds[index]), Gen.Int[0, 6], Gen.Bool, Gen.Bool, Gen.Bool,
        (key, address, isReportOnly, isHealth, isLater) => (key, address, isReportOnly, isHealth, isLater)).Array[0, 60];

    [Fact]
    public void Pages_together_are_the_whole_in_order_and_no_row_comes_twice() =>
        Gen.Select(Denials, Gen.Enum<DenialOrder>(), Gen.Int[1, 9]).Sample(
            run =>
            {
                ((string Key, int Address, bool IsReportOnly, bool IsHealth, bool IsLater)[] denials, DenialOrder order, int limit) = run;
                using var traffic = new ObservedTraffic();
                foreach ((string key, int address, bool isReportOnly, bool isHealth, bool isLater) in denials)
                {
                    Add(traffic, key, address, isReportOnly, isHealth);
                    traffic.Time.Advance(isLater ? TimeSpan.FromSeconds(1) : TimeSpan.Zero);
                }

                Denial[] whole = [.. traffic.Traffic.ReadDenials(new DenialQuery { Order = order, Limit = int.MaxValue })];
                whole.Should().HaveCount(denials.Select(one => (one.Key, one.Address, one.IsReportOnly, one.IsHealth)).Distinct().Count());
                Func<Denial, long> value = order == DenialOrder.Count ? row => row.Count : row => row.LastSeen.UtcTicks;
                whole.Select(value).Should().BeInDescendingOrder();

                var paged = new List<Denial>();
                string? next = null;
                do
                {
                    DenialPage page = traffic.Traffic.ReadPage(new DenialQuery { Order = order, Limit = limit, After = next });
                    page.Denials.Count.Should().Be(Math.Min(limit, whole.Length - paged.Count));
                    paged.AddRange(page.Denials);
                    next = page.Next;
                    (next is null).Should().Be(paged.Count == whole.Length);
                }
                while (next is not null);

                paged.Should().Equal(whole);
            },
            iter: 500);

    [Fact]
    public void Denials_between_two_pages_repeat_no_row()
    {
        using var traffic = new ObservedTraffic();
        for (int number = 0; number < 4; number++)
        {
            Add(traffic, "key", number);
            traffic.Time.Advance(TimeSpan.FromSeconds(1));
        }

        DenialPage first = traffic.Traffic.ReadPage(new DenialQuery { Limit = 2 });
        Add(traffic, "key", 3);
        Add(traffic, "key", 9);
        DenialPage second = traffic.Traffic.ReadPage(new DenialQuery { Limit = 2, After = first.Next });

        first.Denials.Concat(second.Denials).Select(row => row.ClientIp).Should().Equal("0.0.0.3", "0.0.0.2", "0.0.0.1", null);
        second.Next.Should().BeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("MQ")]
    [InlineData("MX44fjA")]
    [InlineData("MX54fjB-a2V5")]
    [InlineData("MS01fjF-MH5rZXk")]
    [InlineData("198.51.100.9")]
    [InlineData("not base64!")]
    public void Refuses_a_cursor_that_is_not_from_an_earlier_page(string after)
    {
        using var traffic = new ObservedTraffic();

        ((Action)(() => traffic.Traffic.ReadPage(new DenialQuery { After = after }))).Should().Throw<FormatException>()
            .WithMessage("DenialQuery.After is not from an earlier page in this order.");
    }

    [Theory]
    [InlineData(DenialOrder.Count, DenialOrder.LastSeen)]
    [InlineData(DenialOrder.LastSeen, DenialOrder.Count)]
    public void A_page_of_another_order_is_refused(DenialOrder one, DenialOrder other)
    {
        using var traffic = new ObservedTraffic();
        Add(traffic, "a", 1);
        Add(traffic, "b", 1);
        string next = traffic.Traffic.ReadPage(new DenialQuery { Order = one, Limit = 1 }).Next!;

        ((Action)(() => traffic.Traffic.ReadPage(new DenialQuery { Order = other, After = next }))).Should().Throw<FormatException>();
        traffic.Traffic.ReadPage(new DenialQuery { Order = one, After = next }).Denials.Should().ContainSingle();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_page_without_room_is_refused(int limit) =>
        ((Action)(() => _ = new DenialQuery { Limit = limit })).Should().Throw<ArgumentOutOfRangeException>();

    /// <summary>The first address is none.</summary>
    private static void Add(ObservedTraffic traffic, string key, int address, bool isReportOnly = false, bool isHealth = false)
    {
        ClientIp client = address == 0 ? ClientIp.Unusable(ClientIpFault.UnknownPeer) : ObservedTraffic.From((uint)address);
        _ = isHealth ? traffic.AskHealth(key, client, isReportOnly) : traffic.Deny(key, client, isReportOnly);
    }
}
