using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;

namespace FlowBeacon.IpAllowlist.UnitTests.Traffic;

/// <summary>The changes in this process, batch by batch, for an implementation that adds up several processes.</summary>
public sealed class LocalTrafficTests : IDisposable
{
    private const string Key = "key";
    private const int Much = 100_000;

    private static readonly DateTimeOffset Start = ObservedTraffic.Start;
    private static readonly ClientIp Client = ObservedTraffic.From("198.51.100.9");

    private readonly ObservedTraffic _traffic = new(mostSourcesPerKey: 3, mostSources: 6);

    public void Dispose() => _traffic.Dispose();

    [Fact]
    public void A_batch_has_what_was_added_since_the_last_one_with_the_first_and_the_last_time()
    {
        Deny(2);
        Use(3);
        Take().Should().BeEquivalentTo(new TrafficChanges
        {
            Number = 1,
            Denials = [Row(count: 2, Start, Start.AddSeconds(1))],
            Totals = [Totals(2, 0, Start, Start.AddSeconds(1))],
            Sources = [Source(3, Start.AddSeconds(2), Start.AddSeconds(4))],
            Losses = [],
            Secrets = [],
        });

        Deny(1);
        Use(2);
        Take().Should().BeEquivalentTo(new TrafficChanges
        {
            Number = 2,
            Denials = [Row(count: 1, Start, Start.AddSeconds(5))],
            Totals = [Totals(1, 0, Start, Start.AddSeconds(5))],
            Sources = [Source(2, Start.AddSeconds(2), Start.AddSeconds(7))],
            Losses = [],
            Secrets = [],
        });
    }

    [Fact]
    public void Without_changes_there_is_no_batch()
    {
        _traffic.Local.TakeChanges(Much).Should().BeNull();
        Deny(1);
        Use(1);
        Take();

        _traffic.Local.TakeChanges(Much).Should().BeNull();
    }

    [Fact]
    public void A_batch_that_is_not_confirmed_comes_again_as_it_was_and_what_came_meanwhile_is_in_the_next()
    {
        Deny(1);
        TrafficChanges first = _traffic.Local.TakeChanges(Much)!;
        Deny(1);
        Use(1);

        _traffic.Local.TakeChanges(1).Should().BeSameAs(first);
        _traffic.Local.TakeChanges(Much).Should().BeSameAs(first);
        first.Denials.Should().ContainSingle().Which.Count.Should().Be(1);
        first.Sources.Should().BeEmpty();
        _traffic.Local.Confirm(first);
        TrafficChanges second = Take();
        second.Number.Should().Be(first.Number + 1);
        second.Denials.Should().ContainSingle().Which.Count.Should().Be(1);
        second.Sources.Should().ContainSingle();
    }

    [Fact]
    public void Only_the_batch_that_was_taken_last_can_be_confirmed_and_only_once()
    {
        Deny(1);
        TrafficChanges first = _traffic.Local.TakeChanges(Much)!;
        Refuses(first with { Number = 2 });
        _traffic.Local.Confirm(first);
        Refuses(first);
        Deny(1);
        TrafficChanges second = _traffic.Local.TakeChanges(Much)!;
        Refuses(first);
        ((Action)(() => _traffic.Local.Confirm(null!))).Should().Throw<ArgumentNullException>();

        _traffic.Local.TakeChanges(Much).Should().BeSameAs(second, "what was refused confirmed nothing");

        void Refuses(TrafficChanges changes) =>
            ((Action)(() => _traffic.Local.Confirm(changes))).Should().Throw<ArgumentException>().WithMessage("Batch * is not the last*");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_batch_without_room_is_refused(int max) =>
        ((Action)(() => _traffic.Local.TakeChanges(max))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("max");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(Much)]
    public void Batches_are_bounded_and_have_everything_together(int max)
    {
        const int Keys = 3;
        const int Addresses = 20;
        using var traffic = new ObservedTraffic();
        for (int number = 0; number < Keys * Addresses; number++)
        {
            ClientIp client = ObservedTraffic.From((uint)(number / Keys));
            traffic.Deny($"key {number % Keys}", client, isReportOnly: number % 2 == 0);
            traffic.AskHealth($"key {number % Keys}", client);
            traffic.Use($"key {number % Keys}", client);
        }

        var batches = new List<TrafficChanges>();
        do
        {
            TrafficChanges? batch = traffic.Local.TakeChanges(max);
            if (batch is null)
            {
                break;
            }

            traffic.Local.Confirm(batch);
            batches.Add(batch);
        }
        while (batches[^1].HasMore);

        traffic.Local.TakeChanges(max).Should().BeNull();
        batches.Should().OnlyContain(batch =>
            batch.Denials.Count + batch.Totals.Count + batch.Sources.Count + batch.Losses.Count <= max);
        batches.Select(batch => batch.Number).Should().Equal(Enumerable.Range(1, batches.Count).Select(number => (long)number));
        Denial[] rows = [.. batches.SelectMany(batch => batch.Denials)];
        rows.Should().OnlyHaveUniqueItems().And.OnlyContain(row => row.Count == 1 && row.CountError == 0);
        rows.Count(row => row.IsHealth).Should().Be(Keys * Addresses);
        rows.Count(row => !row.IsHealth).Should().Be(Keys * Addresses);
        batches.SelectMany(batch => batch.Totals).Sum(totals => totals.Denied).Should().Be(Keys * Addresses / 2);
        batches.SelectMany(batch => batch.Totals).Sum(totals => totals.WouldDeny).Should().Be(Keys * Addresses / 2);
        batches.SelectMany(batch => batch.Sources).Should().HaveCount(Keys * Addresses).And.OnlyHaveUniqueItems();
        batches.Should().OnlyContain(batch => batch.Losses.Count == 0);
    }

    [Fact]
    public void Asking_health_is_a_row_and_in_no_total()
    {
        _traffic.AskHealth(Key, Client);

        TrafficChanges changes = Take();

        changes.Denials.Should().ContainSingle().Which.IsHealth.Should().BeTrue();
        changes.Totals.Should().BeEmpty();
    }

    [Fact]
    public void A_row_that_was_pushed_out_before_it_was_taken_is_lost_and_its_denials_are_in_the_totals()
    {
        const int Rows = DenialTable.MostRows;
        for (uint number = 0; number < Rows; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(number));
            _traffic.Deny(Key, ObservedTraffic.From(number));
        }

        Take();
        _traffic.Deny(Key, ObservedTraffic.From(1_000));
        _traffic.Deny(Key, ObservedTraffic.From(1_000));
        Take().Denials.Should().ContainSingle("its own are counted, not those of the row whose place it took").Which.Should()
            .BeEquivalentTo(new { ClientIp = "0.0.3.232", Count = 2L, CountError = 0L });

        for (uint number = 0; number < 10 * Rows; number++)
        {
            _traffic.Deny(Key, ObservedTraffic.From(2_000 + number));
        }

        TrafficChanges changes = Take();
        changes.Totals.Should().ContainSingle().Which.Denied.Should().Be(10 * Rows);
        changes.Denials.Should().HaveCount(Rows).And.OnlyContain(row => row.Count == 1);
    }

    [Fact]
    public void Totals_of_keys_whose_record_was_dropped_before_it_was_taken_are_not_lost()
    {
        const int Keys = 2 * DenialRecord.MostKeys;
        _traffic.Local.TakeChanges(Much).Should().BeNull("nothing was seen yet");

        for (int round = 1; round <= 2; round++)
        {
            for (int number = 0; number < Keys; number++)
            {
                _traffic.Deny($"key {number}", Client, isReportOnly: number % 2 == 0);
            }

            for (int number = 0; number < 2 * DenialRecord.MostHealthKeys; number++)
            {
                _traffic.AskHealth($"asking {number}", Client);
            }
        }

        TrafficChanges changes = Take();
        Dictionary<string, (long, long)> totals = changes.Totals.GroupBy(total => total.KeyId).ToDictionary(
            group => group.Key, group => (group.Sum(total => total.Denied), group.Sum(total => total.WouldDeny)));
        totals.Should().Equal(Enumerable.Range(0, Keys).ToDictionary(
            number => $"key {number}", number => number % 2 == 0 ? (0L, 2L) : (2L, 0L)));
        _traffic.Local.TakeChanges(Much).Should().BeNull();
    }

    [Fact]
    public void A_source_that_left_before_it_was_taken_is_told_as_lost_and_one_that_was_taken_is_not()
    {
        Take(UseFrom(1, 2, 3)).Losses.Should().BeEmpty();

        Take(UseFrom(4)).Losses.Should().BeEmpty("the one that left was taken");
        TrafficChanges changes = Take(UseFrom(5, 6, 7, 8));

        changes.Losses.Should().Equal(new SourceLoss { KeyId = Key, Until = Start.AddSeconds(4) });
        changes.Sources.Select(change => change.Source.ClientIp).Should().BeEquivalentTo("0.0.0.6", "0.0.0.7", "0.0.0.8");
        _traffic.Local.TakeChanges(Much).Should().BeNull();
    }

    [Fact]
    public void A_source_that_was_used_again_after_it_was_taken_and_then_left_is_lost()
    {
        Take(UseFrom(1, 2, 3));

        TrafficChanges changes = Take(UseFrom(1, 2, 3, 4));

        changes.Losses.Should().Equal(new SourceLoss { KeyId = Key, Until = Start.AddSeconds(3) });
    }

    [Fact]
    public void Sources_evicted_before_the_first_batch_are_lost()
    {
        TrafficChanges changes = Take(UseFrom(1, 2, 3, 4, 5));

        changes.Losses.Should().Equal(new SourceLoss { KeyId = Key, Until = Start.AddSeconds(1) });
        changes.Sources.Should().HaveCount(3);
    }

    [Fact]
    public void A_key_whose_record_was_dropped_before_it_was_taken_is_told_as_lost()
    {
        _traffic.Local.TakeChanges(Much).Should().BeNull("nothing was seen yet");
        UseFrom(1, 2, 3);
        for (uint number = 0; number < 4; number++)
        {
            _traffic.Use("other", ObservedTraffic.From(number));
            _traffic.Use("third", ObservedTraffic.From(number));
        }

        Take().Losses.Should().Contain(new SourceLoss { KeyId = Key, Until = Start.AddSeconds(2) });
    }

    [Fact]
    public void Changes_behind_an_interrupted_pass_are_announced()
    {
        foreach (string key in new[] { "a", "b", "c" })
        {
            _traffic.Use(key, Client);
        }

        TakeAtMost(2)!.HasMore.Should().BeTrue();
        Deny(1);
        var later = new List<TrafficChanges>();
        do
        {
            later.Add(TakeAtMost(Much)!);
        }
        while (later[^1].HasMore);

        later.SelectMany(batch => batch.Sources).Should().ContainSingle();
        later.SelectMany(batch => batch.Denials).Should().ContainSingle();
        TakeAtMost(Much).Should().BeNull();
    }

    [Fact]
    public void A_batch_that_was_filled_exactly_hides_nothing_that_comes_after_it()
    {
        Deny(1);
        TakeAtMost(2)!.HasMore.Should().BeTrue();
        Deny(1);

        TakeAtMost(10)!.Denials.Should().ContainSingle().Which.Count.Should().Be(1);
    }

    [Fact]
    public void A_batch_of_another_process_confirms_nothing()
    {
        using var other = new ObservedTraffic();
        other.Use(Key, Client);
        Deny(1);
        TrafficChanges here = _traffic.Local.TakeChanges(Much)!;
        TrafficChanges there = other.Local.TakeChanges(Much)!;

        ((Action)(() => _traffic.Local.Confirm(there))).Should().Throw<ArgumentException>();

        there.Number.Should().Be(here.Number);
        _traffic.Local.TakeChanges(Much).Should().BeSameAs(here);
    }

    [Fact]
    public void Taken_changes_can_still_be_read_in_this_process()
    {
        Deny(2);
        Use(3);
        Take();

        _traffic.Local.ThisProcess.ReadDenials(new DenialQuery()).Should().ContainSingle().Which.Count.Should().Be(2);
        _traffic.Local.ThisProcess.ReadTotals(Key).Denied.Should().Be(2);
        _traffic.Local.ThisProcess.ReadSources(Key).Sources.Should().ContainSingle().Which.Count.Should().Be(3);
    }

    [Fact]
    public void Many_uses_are_taken_as_often_as_they_were_counted()
    {
        const int Uses = 5_000;
        SourceCell cell = _traffic.Use(Key, Client);
        long taken = Take().Sources[0].Source.Count;
        for (int use = 0; use < Uses; use++)
        {
            cell.Seen(_traffic.Clock.Now);
            taken += use % 100 == 0 && _traffic.Local.TakeChanges(Much) is { } changes ? Confirmed(changes).Sources[0].Source.Count : 0;
        }

        taken += _traffic.Local.TakeChanges(Much)?.Sources[0].Source.Count ?? 0;

        taken.Should().Be(cell.Count);
    }

    [Fact]
    public void A_use_that_was_not_counted_moves_the_last_time_on()
    {
        SourceCell cell = _traffic.Use(Key, Client);
        while (cell.Count < 1 << 16)
        {
            cell.Seen(_traffic.Clock.Now);
        }

        Take();
        long count = cell.Count;
        do
        {
            _traffic.Time.Advance(TimeSpan.FromSeconds(1));
            cell.Seen(_traffic.Clock.Now);
            TrafficChanges changes = Take();
            changes.Sources.Should().ContainSingle().Which.Source.LastSeen.Should().Be(_traffic.Time.GetUtcNow());
            changes.Sources[0].Source.Count.Should().Be(cell.Count - count);
            count += changes.Sources[0].Source.Count;
        }
        while (_traffic.Time.GetUtcNow() < Start.AddSeconds(10));
    }

    private static Denial Row(long count, DateTimeOffset first, DateTimeOffset last) => new()
    {
        KeyId = Key,
        ClientIp = "198.51.100.9",
        Reason = IpAllowlistDenialReason.NotListed,
        ClientIpOrigin = ClientIpOrigin.Peer,
        Count = count,
        FirstSeen = first,
        LastSeen = last,
        LastMethod = "",
        LastPath = "",
    };

    private static DenialTotalsChange Totals(long denied, long wouldDeny, DateTimeOffset first, DateTimeOffset last) =>
        new() { KeyId = Key, Denied = denied, WouldDeny = wouldDeny, FirstSeen = first, LastSeen = last };

    private static SourceChange Source(long count, DateTimeOffset first, DateTimeOffset last) => new()
    {
        KeyId = Key,
        Source = new SourceSeen
        {
            ClientIp = "198.51.100.9",
            ClientIpOrigin = ClientIpOrigin.Peer,
            FirstSeen = first,
            LastSeen = last,
            Count = count,
        },
    };

    private TrafficChanges Take() => Confirmed(_traffic.Local.TakeChanges(Much)!);

    private TrafficChanges? TakeAtMost(int max) => _traffic.Local.TakeChanges(max) is { } changes ? Confirmed(changes) : null;

    private TrafficChanges Take(LocalTraffic local) => Confirmed(local.TakeChanges(Much)!);

    private TrafficChanges Confirmed(TrafficChanges changes)
    {
        _traffic.Local.Confirm(changes);
        return changes;
    }

    private void Deny(int times)
    {
        for (int time = 0; time < times; time++)
        {
            _traffic.Deny(Key, Client);
            _traffic.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private void Use(int times)
    {
        for (int time = 0; time < times; time++)
        {
            UseFrom(Client);
        }
    }

    private LocalTraffic UseFrom(params uint[] numbers)
    {
        foreach (uint number in numbers)
        {
            UseFrom(ObservedTraffic.From(number));
        }

        return _traffic.Local;
    }

    private void UseFrom(ClientIp client)
    {
        _traffic.Use(Key, client);
        _traffic.Time.Advance(TimeSpan.FromSeconds(1));
    }
}
